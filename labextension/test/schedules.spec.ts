import type { Firing, Parameter, ScheduleStatus } from '../src/api/types';
import {
  draftOf,
  newDraft,
  problemsOf,
  requestOf,
  tableOf,
  tableText,
  valueOf
} from '../src/panels/schedules/draft';
import { SchedulesModel } from '../src/panels/schedules/model';
import { formatMoment, formatUntil } from '../src/panels/schedules/times';
import { FakePlatform } from './platform';

const ZONE = 'Europe/Berlin';

function status(
  name: string,
  change: Partial<ScheduleStatus> = {}
): ScheduleStatus {
  return {
    schedule: {
      id: 'schedule-0123456789',
      name,
      created_at: '2026-01-01T00:00:00Z',
      updated_at: '2026-01-01T00:00:00Z',
      work: { path: `/work/${name}.ipynb`, parameters: { depth: 3 } },
      trigger: {
        kind: 'cron',
        expression: '0 6 * * *',
        time_zone: ZONE,
        reading: 'standard'
      },
      paused: false
    },
    reading: 'every day at 06:00, Europe/Berlin',
    next: ['2026-01-02T05:00:00Z'],
    last: null,
    active: 0,
    parameters: [],
    ...change
  };
}

function firing(change: Partial<Firing> = {}): Firing {
  return {
    schedule_id: 'schedule-0123456789',
    schedule: 'report',
    key: '2026-01-02T05:00:00Z',
    row: 0,
    planned_at: '2026-01-02T05:00:00Z',
    cause: 'time',
    state: 'RUNNING',
    message: '',
    event: {},
    count: 1,
    run_id: 'run-0123456789',
    run_number: 7,
    fired_at: null,
    finished_at: null,
    tries: 1,
    retry_at: null,
    timed_out: false,
    notified: {},
    ...change
  };
}

function parameter(name: string, type: Parameter['type']): Parameter {
  return { name, type, default: null, expression: '', help: '' } as Parameter;
}

describe('the draft of a schedule', () => {
  it('is named after its file and lacks nothing but what only the user knows', () => {
    const draft = newDraft('/work/Daily Report (v2).ipynb', ZONE);
    expect(draft.name).toBe('daily-report-v2');
    expect(problemsOf(draft, [])).toEqual({});
    expect(problemsOf({ ...draft, path: '' }, [])).toEqual({ path: 'missing' });
    expect(problemsOf({ ...draft, kind: 'file' }, [])).toEqual({
      file: 'missing'
    });
    expect(problemsOf({ ...draft, kind: 'interval', every: '0' }, [])).toEqual({
      every: 'number'
    });
    expect(
      problemsOf(
        { ...draft, start: '2026-01-02T00:00', end: '2026-01-01T00:00' },
        []
      )
    ).toEqual({ end: 'order' });
  });

  it('reads the fields of parameters by their types, and lets templates through', () => {
    expect(valueOf('int', '3')).toBe(3);
    expect(valueOf('int', '3.5')).toBeUndefined();
    expect(valueOf('int', '{{ row }}')).toBe('{{ row }}');
    expect(valueOf('str', '3')).toBe('3');
    expect(valueOf('list', '[1]')).toEqual([1]);
    expect(valueOf('dict', '[1]')).toBeUndefined();
    const draft = {
      ...newDraft('/a.ipynb', ZONE),
      parameters: { depth: 'x' }
    };
    expect(problemsOf(draft, [parameter('depth', 'int')])).toEqual({
      'parameters.depth': 'value'
    });
  });

  it('reads a table and writes it so that it reads the same', () => {
    const table = [
      { region: 'north, far', depth: 3, text: '7', both: 'say "a"' },
      { region: 'south', depth: 5.5, text: 'true', both: '' }
    ];
    expect(tableOf(tableText(table))).toEqual(table);
    expect(tableOf('')).toEqual([]);
    expect(tableOf('region,depth\nnorth')).toBeNull();
    expect(tableOf('region')).toBeNull();
  });

  it('keeps what its form does not show when a schedule is changed', () => {
    const { schedule } = status('report');
    const before = {
      ...schedule,
      keep: { runs: 5, days: 30 },
      retry: { limit: 2, backoff_s: 9, factor: 3, max_backoff_s: 60 },
      notify: [
        { url: 'https://a.example/', key_file: '/k' },
        { url: 'https://b.example/' }
      ]
    };
    const request = requestOf(
      { ...draftOf(before, ZONE), retries: '4', keepRuns: '' },
      [parameter('depth', 'int')]
    );
    expect(request).toMatchObject({
      work: { path: '/work/report.ipynb', parameters: { depth: 3 } },
      trigger: { kind: 'cron', reading: 'standard', time_zone: ZONE },
      keep: { runs: null, days: 30 },
      retry: { limit: 4, backoff_s: 9 },
      notify: before.notify
    });
  });
});

describe('times for people', () => {
  it('name a near day, and how long it is until then', () => {
    const now = new Date(2026, 0, 1, 12, 0).getTime();
    const at = (...parts: [number, number, number, number]) =>
      new Date(2026, ...parts).toISOString();
    expect(formatMoment(at(0, 2, 6, 0), now, 'en')).toBe('tomorrow 06:00 AM');
    expect(formatMoment(at(0, 9, 6, 0), now, 'en')).toContain('Jan 9');
    expect(formatUntil(at(0, 1, 12, 5), now, 'en')).toBe('in 5 min.');
    expect(formatUntil(at(0, 3, 12, 0), now, 'en')).toBe('in 2 days');
  });
});

describe('the schedules', () => {
  async function loaded(platform: FakePlatform, ...list: ScheduleStatus[]) {
    platform.routes.set('GET schedules', () => ({ schedules: list }));
    const model = new SchedulesModel(platform.connection, ZONE);
    await model.load();
    return model;
  }

  it('stand in the order of their next time', async () => {
    const model = await loaded(
      new FakePlatform(),
      status('waits', { next: [] }),
      status('late', { next: ['2026-02-01T00:00:00Z'] }),
      status('soon')
    );
    expect(model.schedules.map(({ schedule }) => schedule.name)).toEqual([
      'soon',
      'late',
      'waits'
    ]);
    model.dispose();
  });

  it('show a pause at once, and take it back when it is refused', async () => {
    const platform = new FakePlatform();
    const model = await loaded(platform, status('report'));
    platform.routes.set(
      'POST schedules/report/pause',
      () => new Response('{"code":"conflict","message":"No."}', { status: 409 })
    );
    const asked = model.pause('report', true);
    expect(model.schedules[0].schedule.paused).toBe(true);
    await expect(asked).rejects.toThrow('No.');
    expect(model.schedules[0].schedule.paused).toBe(false);
    model.dispose();
  });

  it('hear of firings: the history grows, and the next times are asked for anew', async () => {
    const platform = new FakePlatform();
    const model = await loaded(platform, status('report'));
    platform.routes.set('GET schedules/report/firings', () => ({
      firings: [],
      next: null
    }));
    platform.routes.set('GET schedules/report', () =>
      status('report', { next: ['2026-01-03T05:00:00Z'], active: 1 })
    );
    model.open('report');
    await Promise.resolve();
    platform.send('schedule.fired', 'report', firing());
    platform.send('schedule.fired', 'report', firing({ state: 'SUCCEEDED' }));
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(model.firings).toHaveLength(1);
    expect(model.firings[0].state).toBe('SUCCEEDED');
    expect(model.selected?.next).toEqual(['2026-01-03T05:00:00Z']);
    platform.send('schedule.deleted', 'report', { id: 'schedule-0123456789' });
    expect(model.selected).toBeNull();
    expect(model.schedules).toHaveLength(0);
    model.dispose();
  });

  it('are made from a draft, after the engine has said what it would do', async () => {
    const platform = new FakePlatform();
    const model = await loaded(platform);
    platform.routes.set('POST schedules/preview', () => ({
      ...status('report'),
      parameters: [parameter('depth', 'int')]
    }));
    platform.routes.set('POST schedules', () => status('report'));
    platform.routes.set('GET schedules/report/firings', () => ({
      firings: [],
      next: null
    }));
    model.compose('/work/report.ipynb');
    await new Promise(resolve => setTimeout(resolve, 20));
    model.form?.setParameter('depth', '4');
    expect(model.form?.canSave).toBe(true);
    expect(await model.save()).toBe(true);
    expect(model.form).toBeNull();
    expect(model.selected?.schedule.name).toBe('report');
    const sent = platform.requests.find(
      ({ method, path }) => method === 'POST' && path === 'schedules'
    );
    expect(sent?.body).toMatchObject({ work: { parameters: { depth: 4 } } });
    model.dispose();
  });
});
