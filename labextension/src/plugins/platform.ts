import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import { INotebookTracker } from '@jupyterlab/notebook';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ServerConnection } from '@jupyterlab/services';

import { ApiClient } from '../api/client';
import { isArtifactPath } from '../api/drive';
import type { Transport } from '../api/client';
import { Connection } from '../api/connection';
import { EventStream } from '../api/events';
import { messageOf } from '../components/basics';
import { Navigator } from '../notebook/navigator';
import { ServerPaths } from '../notebook/paths';
import { PipelineModel } from '../panels/pipeline/model';
import { RunsModel } from '../panels/runs/model';
import { IMlPlatform } from '../tokens';

/** Builds the client, the event stream and the models, and makes them follow the active notebook. */
export const platformPlugin: JupyterFrontEndPlugin<IMlPlatform> = {
  id: 'jupyter-mlplat:platform',
  description: 'Provides the link to the engine and the models.',
  autoStart: true,
  requires: [INotebookTracker],
  provides: IMlPlatform,
  activate: (app: JupyterFrontEnd, tracker: INotebookTracker): IMlPlatform => {
    const { contents, serverSettings } = app.serviceManager;
    const client = new ApiClient(Private.transport(serverSettings));
    const events = new EventStream({
      open: (after, signal) => client.openEvents(after, signal)
    });
    const connection = new Connection(client, events);
    const paths = new ServerPaths(
      PageConfig.getOption('mlplatRoot') || PageConfig.getOption('serverRoot'),
      path => contents.localPath(path)
    );
    const pipeline = new PipelineModel(connection, path =>
      paths.absolute(path)
    );
    const runs = new RunsModel(connection);
    const navigator = new Navigator(app, tracker, paths);
    const platform = new Private.Platform(
      connection,
      pipeline,
      runs,
      navigator
    );

    const follow = (panel: NotebookPanel | null) => {
      // What a run has made is looked at; it is no pipeline in the making.
      const isOurs = !!panel && !isArtifactPath(panel.context.path);
      platform.setNotebook(isOurs ? navigator.adapterOf(panel) : null);
      if (isOurs) {
        void connection.ensure();
      }
    };
    tracker.currentChanged.connect((_, panel) => follow(panel));
    follow(tracker.currentWidget);
    return platform;
  }
};

namespace Private {
  export class Platform implements IMlPlatform {
    constructor(
      readonly connection: Connection,
      readonly pipeline: PipelineModel,
      readonly runs: RunsModel,
      readonly navigator: Navigator
    ) {}

    get notebook(): ReturnType<Navigator['adapterOf']> | null {
      return this._notebook;
    }

    setNotebook(notebook: ReturnType<Navigator['adapterOf']> | null): void {
      this._notebook = notebook;
      this.pipeline.setNotebook(notebook);
    }

    async attempt<T>(action: () => Promise<T>): Promise<T | undefined> {
      try {
        await this.connection.ensure();
        return await action();
      } catch (error) {
        Notification.error(messageOf(error), { autoClose: 10_000 });
        return undefined;
      }
    }

    private _notebook: ReturnType<Navigator['adapterOf']> | null = null;
  }

  export function transport(settings: ServerConnection.ISettings): Transport {
    const root = URLExt.join(settings.baseUrl, 'mlplat', 'api', 'v1');
    return (path, init) =>
      ServerConnection.makeRequest(`${root}/${path}`, init, settings);
  }
}
