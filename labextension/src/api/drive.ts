import type { Contents, ServerConnection } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { ApiClient } from './client';
import type { Artifact } from './types';

/** Name of the drive: paths of what runs have made begin with it. */
export const DRIVE = 'mlplat';

/** The path by which JupyterLab opens an artifact that is a file. */
export function artifactPath(artifact: Artifact): string {
  const name = artifact.name.split('/').pop() || 'artifact';
  return `${DRIVE}:${artifact.id}/${name}`;
}

/** Whether a path is one of ours: what lies there is of a run, not of the user's folder. */
export function isArtifactPath(path: string): boolean {
  return path.startsWith(`${DRIVE}:`);
}

/** Files that runs have made, to be read with JupyterLab's own viewers. Nothing can be changed. */
export class ArtifactDrive implements Contents.IDrive {
  constructor(
    private readonly _client: ApiClient,
    readonly serverSettings: ServerConnection.ISettings,
    private readonly _contentUrl: (artifact: string) => string
  ) {}

  readonly name = DRIVE;

  get fileChanged(): ISignal<this, Contents.IChangedArgs> {
    return this._fileChanged;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  /** Read a file: `ARTIFACT/NAME`. */
  async get(
    path: string,
    options: Contents.IFetchOptions = {}
  ): Promise<Contents.IModel> {
    const [id, name] = split(path);
    const artifact = await this._client.call('artifacts.get', { artifact: id });
    const isNotebook = name.endsWith('.ipynb');
    const isText = /\.(html?|md|txt|csv|tsv|json|py|svg|ya?ml|log)$/i.test(
      name
    );
    const format = isNotebook ? 'json' : isText ? 'text' : 'base64';
    const content =
      options.content === false ? null : await this._read(id, format);
    return {
      name,
      path,
      type: isNotebook ? 'notebook' : 'file',
      created: artifact.created_at,
      last_modified: artifact.created_at,
      writable: false,
      mimetype: TYPES[name.split('.').pop()?.toLowerCase() ?? ''] ?? '',
      content,
      format: content === null ? null : format,
      size: artifact.size_bytes
    };
  }

  getDownloadUrl(path: string): Promise<string> {
    return Promise.resolve(this._contentUrl(split(path)[0]));
  }

  listCheckpoints(): Promise<Contents.ICheckpointModel[]> {
    return Promise.resolve([]);
  }

  newUntitled(): Promise<never> {
    return refuse();
  }

  delete(): Promise<never> {
    return refuse();
  }

  rename(): Promise<never> {
    return refuse();
  }

  save(): Promise<never> {
    return refuse();
  }

  copy(): Promise<never> {
    return refuse();
  }

  createCheckpoint(): Promise<never> {
    return refuse();
  }

  restoreCheckpoint(): Promise<never> {
    return refuse();
  }

  deleteCheckpoint(): Promise<never> {
    return refuse();
  }

  private async _read(
    id: string,
    format: 'json' | 'text' | 'base64'
  ): Promise<unknown> {
    const answer = await this._client.call('artifacts.content', {
      artifact: id
    });
    switch (format) {
      case 'json':
        return (await answer.json()) as unknown;
      case 'text':
        return answer.text();
      case 'base64': {
        const bytes = new Uint8Array(await answer.arrayBuffer());
        let text = '';
        for (let start = 0; start < bytes.length; start += CHUNK) {
          text += String.fromCharCode(...bytes.subarray(start, start + CHUNK));
        }
        return btoa(text);
      }
    }
  }

  private readonly _fileChanged = new Signal<this, Contents.IChangedArgs>(this);
  private _isDisposed = false;
}

const CHUNK = 0x8000;

const TYPES: Record<string, string> = {
  html: 'text/html',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  csv: 'text/csv',
  json: 'application/json',
  md: 'text/markdown'
};

function split(path: string): [string, string] {
  const [id, ...rest] = path.split('/');
  return [id, rest.join('/') || id];
}

function refuse(): Promise<never> {
  return Promise.reject(
    new Error(
      'Cannot change what a run has made. Save a copy in your own folder instead.'
    )
  );
}
