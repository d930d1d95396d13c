import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import type { Edge } from '../../api/types';
import { CommandIDs } from '../../commands';
import { pipelineIcon } from '../../icons';
import type { ISection } from '../section';
import { PipelineBody } from './body';
import type { PipelineModel } from './model';

/** Where an edge ends and, beside it, where it begins: arguments for going there. */
export function cellsOf({ reasons: [reason] }: Edge): {
  cell: string;
  beside: string;
  keepsFocus: boolean;
} {
  return {
    cell: reason.target_cell,
    beside: reason.source_cell,
    keepsFocus: true
  };
}

/** The Pipeline section: its model, its view, and the commands between them. */
export function createPipelineSection(
  model: PipelineModel,
  commands: CommandRegistry,
  trans: TranslationBundle,
  options: { showMenu: (below: HTMLElement) => void }
): ISection {
  const execute = (id: string, args: Record<string, unknown> = {}) =>
    void commands.execute(id, args as never);
  const goToCell = (cell: string, line?: number) =>
    execute(CommandIDs.goToCell, { cell, ...(line ? { line } : {}) });
  return {
    id: 'pipeline',
    label: trans.__('Pipeline'),
    caption: trans.__('The active notebook as a pipeline'),
    icon: pipelineIcon,
    widget: new PipelineBody(
      model,
      {
        run: (options = {}) => execute(CommandIDs.run, { ...options }),
        showMenu: options.showMenu,
        openGraph: () => execute(CommandIDs.openGraph),
        merge: steps => execute(CommandIDs.mergeSteps, { steps }),
        verify: () => execute(CommandIDs.verify),
        connect: () => execute(CommandIDs.connect),
        cancel: run => execute(CommandIDs.cancelRun, { run }),
        restoreState: (run, step) =>
          execute(CommandIDs.restoreState, { run, step }),
        retry: step =>
          execute(CommandIDs.retryNotebook, step === null ? {} : { step }),
        openRun: run => execute(CommandIDs.openRun, { run }),
        goToCell,
        select: selection => {
          model.select(selection);
          const edge =
            selection?.kind === 'edge'
              ? model.edge(selection.from, selection.to)
              : null;
          if (edge && edge.reasons.length > 0) {
            execute(CommandIDs.goToCell, cellsOf(edge));
          }
          const step =
            selection?.kind === 'step' ? model.step(selection.name) : null;
          if (step && step.cells.length > 0) {
            goToCell(step.cells[0].id);
          }
        },
        applySettings: (step, metadata) =>
          execute(CommandIDs.setStep, { step, metadata })
      },
      trans
    )
  };
}
