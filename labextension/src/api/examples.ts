import type * as nbformat from '@jupyterlab/nbformat';
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { Example, ExampleList } from './types';

/** The notebooks to start from. The Jupyter server gives them: no engine is started for them. */
export class ExamplesClient {
  constructor(private readonly _settings: ServerConnection.ISettings) {}

  async list(): Promise<readonly Example[]> {
    const { examples } = (await this._get()) as ExampleList;
    return examples;
  }

  async get(name: string): Promise<nbformat.INotebookContent> {
    return (await this._get(name)) as nbformat.INotebookContent;
  }

  private async _get(...path: string[]): Promise<unknown> {
    const url = URLExt.join(
      this._settings.baseUrl,
      'mlplat',
      'examples',
      ...path.map(encodeURIComponent)
    );
    const response = await ServerConnection.makeRequest(
      url,
      {},
      this._settings
    );
    if (!response.ok) {
      throw await ServerConnection.ResponseError.create(response);
    }
    return response.json();
  }
}
