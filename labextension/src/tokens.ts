import { Token } from '@lumino/coreutils';

import type { Connection } from './api/connection';
import type { NotebookAdapter } from './notebook/adapter';
import type { Navigator } from './notebook/navigator';
import type { PlatformPanel } from './panels/panel';
import type { PipelineModel } from './panels/pipeline/model';
import type { RunsModel } from './panels/runs/model';
import type { IMainViews } from './views/view';

/** The state that all parts of the platform share: one client, one event stream. */
export interface IMlPlatform {
  readonly connection: Connection;
  readonly pipeline: PipelineModel;
  readonly runs: RunsModel;
  readonly navigator: Navigator;

  /** The active notebook with its widget. */
  readonly notebook: NotebookAdapter | null;

  /** Connect if need be, do something, and tell the user in one message if it cannot be done. */
  attempt<T>(action: () => Promise<T>): Promise<T | undefined>;
}

export const IMlPlatform = new Token<IMlPlatform>(
  'jupyter-mlplat:IMlPlatform',
  'The ML platform: the link to its engine, and the models of pipelines and runs.'
);

/** The side panel, for extensions that add a section. */
export type IMlPlatformPanel = PlatformPanel;

export const IMlPlatformPanel = new Token<IMlPlatformPanel>(
  'jupyter-mlplat:IMlPlatformPanel',
  'The side panel of the ML platform. Add a section with addSection().'
);

/** The main area, for extensions that add a kind of view. */
export type IMlPlatformViews = IMainViews;

export const IMlPlatformViews = new Token<IMlPlatformViews>(
  'jupyter-mlplat:IMlPlatformViews',
  'Views of the ML platform in the main area. Add a kind with add().'
);
