import * as React from 'react';

import { Button, EmptyState, ErrorNote, Scroll } from '../../components/basics';
import { useTrans } from '../../components/context';
import { plusIcon, schedulesIcon } from '../../icons';
import type { SchedulesBody } from './body';
import { ScheduleDetail } from './detail';
import { ScheduleFormView } from './form';
import { ScheduleRow } from './row';

import '../../../style/schedules.css';

/** The section: all schedules, one of them, or the form. Loaded late: see `body.tsx`. */
export default function SchedulesView(
  props: SchedulesBody.IOptions
): JSX.Element {
  const { model, actions } = props;
  const trans = useTrans();
  if (model.form) {
    return (
      <ScheduleFormView
        form={model.form}
        zones={ZONES}
        shortPath={props.shortPath}
        absolutePath={props.absolutePath}
        onSave={() => void model.save()}
        onCancel={() => model.putFormAway()}
      />
    );
  }
  if (model.selected) {
    return (
      <ScheduleDetail
        key={model.selected.schedule.name}
        status={model.selected}
        firings={model.firings}
        hasMore={model.hasMore}
        actions={actions}
        shortPath={props.shortPath}
        onMore={() => void model.loadMore()}
      />
    );
  }
  const { schedules } = model;
  return (
    <>
      <div className="jp-mlplat-Header">
        <div className="jp-mlplat-Header-text">
          <h2 className="jp-mlplat-Header-title">{trans.__('Schedules')}</h2>
          <div className="jp-mlplat-Header-facts" aria-live="polite">
            {schedules.length === 0
              ? trans.__('None yet')
              : trans._n('%1 schedule', '%1 schedules', schedules.length)}
          </div>
        </div>
        {schedules.length > 0 && (
          <div className="jp-mlplat-Header-actions">
            <Button
              kind="primary"
              icon={plusIcon}
              label={trans.__('New')}
              title={trans.__('Let a notebook or a pipeline run by itself')}
              onClick={actions.create}
            />
          </div>
        )}
      </div>
      <Scroll>
        {model.error !== null && (
          <ErrorNote
            error={model.error}
            action={{ label: trans.__('Try again'), onClick: actions.connect }}
          />
        )}
        {schedules.length === 0 && model.error === null && !model.isLoading && (
          <EmptyState icon={schedulesIcon} title={trans.__('No schedules yet')}>
            <p>
              {trans.__(
                'A schedule runs a notebook or a pipeline by itself: every morning, every hour, when a file has changed or a model has a new version. Each run keeps its executed notebook; what goes wrong is shown here.'
              )}
            </p>
            <Button
              kind="primary"
              icon={schedulesIcon}
              label={trans.__('Schedule a notebook')}
              onClick={actions.create}
            />
          </EmptyState>
        )}
        {schedules.length > 0 && (
          <ul
            className="jp-mlplat-ScheduleList"
            aria-label={trans.__('Schedules')}
          >
            {schedules.map(status => (
              <ScheduleRow
                key={status.schedule.name}
                status={status}
                actions={actions}
                shortPath={props.shortPath}
              />
            ))}
          </ul>
        )}
      </Scroll>
    </>
  );
}

/** All zones the browser knows. */
const ZONES: readonly string[] = (
  Intl as unknown as { supportedValuesOf?: (key: string) => string[] }
).supportedValuesOf?.('timeZone') ?? ['UTC'];
