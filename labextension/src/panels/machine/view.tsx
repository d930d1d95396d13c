import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { ErrorNote, Scroll } from '../../components/basics';
import { useTrans } from '../../components/context';
import { Holders, MachineStrip } from '../../components/machine';
import type { MachineModel } from './model';

/** The machine: what it has, who holds what of it, who waits for what. */
export default function MachineView(props: {
  model: MachineModel;
  onOpenRun: (run: string) => void;
  onRelease: (lease: string, label: string) => void;
}): JSX.Element {
  const { model } = props;
  const trans = useTrans();
  return (
    <UseSignal signal={model.changed}>
      {() => {
        const { machine } = model;
        return (
          <Scroll>
            <div className="jp-mlplat-MachineView" data-testid="mlplat-machine">
              {model.error !== null && <ErrorNote error={model.error} />}
              {machine === null ? (
                model.error === null && (
                  <p className="jp-mlplat-Hint">
                    {trans.__('Looking at the machine…')}
                  </p>
                )
              ) : (
                <>
                  <MachineStrip machine={machine} />
                  {machine.notes.map(note => (
                    <p key={note} className="jp-mlplat-Hint">
                      {note}
                    </p>
                  ))}
                  <h2>{trans.__('Who holds what')}</h2>
                  {machine.holders.length > 0 ? (
                    <Holders
                      label={trans.__('Who holds what')}
                      holders={machine.holders}
                      onOpenRun={props.onOpenRun}
                      onRelease={({ lease, label }) =>
                        lease && props.onRelease(lease, label)
                      }
                    />
                  ) : (
                    <p className="jp-mlplat-Hint">
                      {trans.__(
                        'Nobody holds anything. Steps do while they run; a notebook leases a GPU with %mlplat gpu 1.'
                      )}
                    </p>
                  )}
                  {machine.waiting.length > 0 && (
                    <>
                      <h2>{trans.__('Who waits')}</h2>
                      <Holders
                        label={trans.__('Who waits')}
                        holders={machine.waiting}
                        onOpenRun={props.onOpenRun}
                      />
                    </>
                  )}
                </>
              )}
            </div>
          </Scroll>
        );
      }}
    </UseSignal>
  );
}
