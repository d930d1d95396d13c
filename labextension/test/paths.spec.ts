import type { Contents } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';

import { NotebookFile } from '../src/notebook/file';
import { ServerPaths } from '../src/notebook/paths';

describe('ServerPaths', () => {
  const paths = new ServerPaths('/srv/work/', path => path.replace('RTC:', ''));

  it.each([
    ['churn.ipynb', '/srv/work/churn.ipynb'],
    ['./a/../churn.ipynb', '/srv/work/churn.ipynb'],
    ['RTC:a/churn.ipynb', '/srv/work/a/churn.ipynb'],
    ['/srv/work//churn.ipynb', '/srv/work/churn.ipynb'],
    ['/elsewhere/churn.ipynb', '/elsewhere/churn.ipynb']
  ])('knows %s by one name', (given, absolute) => {
    expect(paths.resolve(given)).toBe(absolute);
  });

  it('has no path for what lies outside of the root', () => {
    expect(paths.relative('/elsewhere/churn.ipynb')).toBeNull();
  });
});

/** A server with one file, or none. */
class Files {
  constructor(public content: object | null) {}

  readonly fileChanged = new Signal<this, object>(this);

  async get(): Promise<object> {
    if (this.content === null) {
      throw Object.assign(new Error('Not Found'), {
        response: { status: 404 }
      });
    }
    return { content: this.content };
  }

  get manager(): Contents.IManager {
    return this as unknown as Contents.IManager;
  }
}

describe('NotebookFile', () => {
  it('says that a notebook is not there, and reads it once it is', async () => {
    const files = new Files(null);
    const file = new NotebookFile(files.manager, 'a/churn.ipynb');
    await expect(file.ready).rejects.toThrow('There is no notebook a/churn');

    files.content = { cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5 };
    files.fileChanged.emit({ type: 'save', newValue: { path: file.path } });
    await file.ready;

    expect(file.snapshot().cells).toEqual([]);
    file.dispose();
  });
});
