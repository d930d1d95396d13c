import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import type { Edge } from '../../api/types';
import { Trans } from '../../components/context';
import { late } from '../../components/late';
import { LoadBoundary } from '../../components/load-boundary';
import type { IRunOptions } from '../pipeline/model';
import type { IStepGraph } from './model';

const GraphView = late(() => import('./view'));

/** What the view lets a user do; each is a command. */
export interface IGraphActions {
  goToCell: (cell: string) => void;

  /** Open a step: its cells, or what it gave in the run that is shown. */
  openStep: (step: string) => void;

  /** Show the cells an edge goes between, where their notebook is in sight. */
  showEdge?: (edge: Edge) => void;

  /** Run a part of the notebook; a run that is shown cannot be run. */
  run?: (options: IRunOptions) => void;
}

/** The graph of a pipeline over the whole main area, with the detail of what is selected beside it. */
export class GraphBody extends ReactWidget {
  constructor(
    private readonly _graph: IStepGraph,
    private readonly _actions: IGraphActions,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-mlplat-GraphView');
    this.node.tabIndex = -1;
  }

  override dispose(): void {
    if (!this.isDisposed) {
      super.dispose();
      this._graph.dispose();
    }
  }

  protected render(): JSX.Element {
    return (
      <Trans.Provider value={this._trans}>
        <LoadBoundary>
          <UseSignal signal={this._graph.changed}>
            {() => <GraphView graph={this._graph} actions={this._actions} />}
          </UseSignal>
        </LoadBoundary>
      </Trans.Provider>
    );
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    const node = '[data-node][tabindex="0"]';
    (this.node.querySelector<HTMLElement>(node) ?? this.node).focus();
  }
}
