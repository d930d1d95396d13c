import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { Button, IconButton } from '../../components/basics';
import { useTrans } from '../../components/context';
import { closeIcon } from '../../icons';
import type { ITourActions } from './card';
import type { TourModel, TourStep } from './model';
import '../../../style/tour.css';

/** What stands on the card; loaded for those who are shown it. */
export default function Card(props: {
  model: TourModel;
  actions: ITourActions;
}): JSX.Element {
  const { model, actions } = props;
  const { step, steps, index } = model;
  const trans = useTrans();
  const { title, body } = textOf(step, trans);
  return (
    <>
      <div className="jp-mlplat-Tour-head">
        <span className="jp-mlplat-Tour-count">
          {step === null
            ? trans.__('First run')
            : trans.__('First run · %1 of %2', index + 1, steps.length)}
        </span>
        <IconButton
          icon={closeIcon}
          label={trans.__('End the tour')}
          onClick={actions.end}
        />
      </div>
      <div role="status" aria-live="polite">
        <h3 className="jp-mlplat-Tour-title">{title}</h3>
        <p className="jp-mlplat-Tour-body">{body}</p>
      </div>
      <div
        className="jp-mlplat-Tour-progress"
        role="progressbar"
        aria-label={trans.__('Steps of the tour that are done')}
        aria-valuemin={0}
        aria-valuemax={steps.length}
        aria-valuenow={index}
      >
        {steps.map((name, position) => (
          <span key={name} data-done={position < index} />
        ))}
      </div>
      <div className="jp-mlplat-Tour-actions">
        {step === 'open' && (
          <Button
            label={trans.__('Open an example')}
            kind="primary"
            onClick={actions.openExample}
          />
        )}
        {step !== null && step !== 'open' && (
          <Button
            label={trans.__('Show me')}
            title={trans.__('Go to what this step is about')}
            onClick={() => actions.showTarget(step)}
          />
        )}
        {step !== null ? (
          <button
            type="button"
            className="jp-mlplat-Link"
            onClick={() => model.skip()}
          >
            {trans.__('Skip this step')}
          </button>
        ) : (
          <Button
            label={trans.__('Done')}
            kind="primary"
            onClick={actions.end}
          />
        )}
      </div>
    </>
  );
}

function textOf(
  step: TourStep | null,
  trans: TranslationBundle
): { title: string; body: string } {
  switch (step) {
    case 'open':
      return {
        title: trans.__('Open a notebook'),
        body: trans.__(
          'Two minutes from a notebook to a pipeline that has run. Open one of yours, or begin with an example.'
        )
      };
    case 'steps':
      return {
        title: trans.__('See its steps'),
        body: trans.__(
          'The cells are steps already; lines show which values they pass on. Click a step or a line.'
        )
      };
    case 'run':
      return {
        title: trans.__('Run it'),
        body: trans.__(
          'Press Run. Each step runs in a process of its own, and only what changed runs again.'
        )
      };
    case 'outputs':
      return {
        title: trans.__('Look at what came out'),
        body: trans.__(
          'Open the run, then one of its steps: its outputs, its log, and what it passed on.'
        )
      };
    case 'models':
      return {
        title: trans.__('Find the models'),
        body: trans.__(
          'What a run logs as a model is registered here, with versions and where each came from.'
        )
      };
    case 'lineage':
      return {
        title: trans.__('Ask where things come from'),
        body: trans.__(
          'Lineage leads from any value back to the cells and data that made it.'
        )
      };
    case null:
      return {
        title: trans.__('That was your first run'),
        body: trans.__(
          'Change a cell and run again: what is unchanged comes from the cache. The tour can be started again from the command palette.'
        )
      };
  }
}
