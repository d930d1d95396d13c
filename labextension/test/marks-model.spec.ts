import { freeName } from '../src/notebook/free-name';
import { MarksModel } from '../src/notebook/marks-model';
import { PipelineModel } from '../src/panels/pipeline/model';
import {
  FakeNotebook,
  FakePlatform,
  failure,
  pipeline,
  run,
  step,
  summary,
  task,
  until
} from './platform';

const PATH = 'folder/churn.ipynb';
const CELLS = { a: 'x = 1', b: 'y = x / z', c: 'y' };
const PIPELINE = pipeline([
  step('load', { a: CELLS.a }),
  step('train', { b: CELLS.b, c: CELLS.c })
]);
const GOOD = run({
  id: 'run-1',
  state: 'SUCCEEDED',
  tasks: [
    task('load', { state: 'SUCCEEDED', duration_s: 2 }),
    task('train', { state: 'SUCCEEDED', duration_s: 3 })
  ]
});
const FAILED = run({
  id: 'run-2',
  number: 2,
  state: 'FAILED',
  tasks: [
    task('load', { state: 'SUCCEEDED', cached: true, duration_s: 0 }),
    task('train', {
      state: 'FAILED',
      failure: failure({ step: 'train', cell: 'b', code: 'cell-error' })
    })
  ]
});

function create(runs = [GOOD]): {
  marks: MarksModel;
  model: PipelineModel;
  platform: FakePlatform;
  notebook: FakeNotebook;
} {
  const platform = new FakePlatform();
  platform.routes.set('POST compile', () => PIPELINE);
  platform.routes.set('GET runs', ({ search }) => ({
    runs: runs
      .filter(({ state }) => (search.get('state') ?? state) === state)
      .slice(0, 1)
      .map(({ id, number, state }) => summary(number, { id, state })),
    next: null
  }));
  for (const one of [...runs, GOOD, FAILED]) {
    platform.routes.set(`GET runs/${one.id}`, () => one);
    platform.routes.set(`GET runs/${one.id}/pipeline`, () => PIPELINE);
    platform.routes.set(`GET runs/${one.id}/metrics`, () => ({ metrics: [] }));
    platform.routes.set(`GET runs/${one.id}/outputs`, () => ({ outputs: [] }));
  }
  const absolute = (path: string) => `/srv/${path}`;
  const model = new PipelineModel(platform.connection, absolute);
  const marks = new MarksModel(model, absolute);
  const notebook = new FakeNotebook({ ...CELLS });
  model.setNotebook(notebook);
  return { marks, model, platform, notebook };
}

const markOf = (marks: MarksModel, notebook: FakeNotebook, cell: string) =>
  marks.marksOf(PATH, id => notebook.sourceOf(id)).get(cell);

describe('MarksModel', () => {
  it('names each step on its first cell, with its state and its time', async () => {
    const { marks, notebook } = create();
    await until(() => !!markOf(marks, notebook, 'c')?.task);

    expect(markOf(marks, notebook, 'b')).toMatchObject({
      step: 'train',
      stepIndex: 1,
      isFirst: true,
      isStale: false,
      durationS: 3,
      failure: null
    });
    expect(markOf(marks, notebook, 'c')?.isFirst).toBe(false);
  });

  it('tells which steps were edited since they succeeded', async () => {
    const { marks, notebook } = create();
    await until(() => !!markOf(marks, notebook, 'a')?.task);

    notebook.edit('c', 'y + 1');

    expect(markOf(marks, notebook, 'a')?.isStale).toBe(false);
    expect(markOf(marks, notebook, 'b')?.isStale).toBe(true);
    notebook.edit('c', CELLS.c);
    expect(markOf(marks, notebook, 'b')?.isStale).toBe(false);
  });

  it('looks for the last good run where the newest one failed', async () => {
    const { marks, notebook } = create([FAILED, GOOD]);
    await until(() => markOf(marks, notebook, 'b')?.durationS === 3);

    // What came from the cache keeps the time it took when it ran.
    expect(markOf(marks, notebook, 'a')?.durationS).toBe(2);
    expect(markOf(marks, notebook, 'b')?.isStale).toBe(false);
    notebook.edit('b', 'y = x / 2');
    expect(markOf(marks, notebook, 'b')?.isStale).toBe(true);
  });

  it('shows a failure until its cell is edited', async () => {
    const { marks, notebook } = create([FAILED]);
    await until(() => !!markOf(marks, notebook, 'b')?.failure);
    expect(markOf(marks, notebook, 'c')).toMatchObject({
      failure: null,
      isFailing: true
    });

    notebook.edit('b', 'y = x');

    expect(markOf(marks, notebook, 'b')?.failure).toBe(null);
    expect(markOf(marks, notebook, 'c')?.isFailing).toBe(false);
  });

  it('passes on the name of a step whose first cell is gone', async () => {
    const { marks, notebook } = create();
    await until(() => !!markOf(marks, notebook, 'c')?.task);

    const left = marks.marksOf(PATH, id =>
      id === 'b' ? null : notebook.sourceOf(id)
    );

    expect(left.has('b')).toBe(false);
    expect(left.get('c')?.isFirst).toBe(true);
  });

  it('follows the run of a notebook that is no longer the active one', async () => {
    const { marks, model, platform, notebook } = create();
    await until(() => !!markOf(marks, notebook, 'a')?.task);
    model.setNotebook(null);

    platform.send('run.created', 'run-2', summary(2, { id: 'run-2' }));

    await until(() => !!markOf(marks, notebook, 'b')?.failure);
    expect(marks.runOf(PATH)?.id).toBe('run-2');
  });

  it('forgets a run that is deleted', async () => {
    const { marks, platform, notebook } = create();
    await until(() => !!markOf(marks, notebook, 'a')?.task);

    platform.send('run.deleted', 'run-1', {});

    expect(markOf(marks, notebook, 'a')?.task).toBe(null);
  });

  it('marks two views of one document alike', async () => {
    const { marks, model, notebook } = create([FAILED]);
    await until(() => !!markOf(marks, notebook, 'b')?.failure);
    const second = new FakeNotebook({ ...CELLS });

    model.setNotebook(second);

    await until(() => !!markOf(marks, second, 'b')?.failure);
    expect(markOf(marks, second, 'b')).toEqual(markOf(marks, notebook, 'b'));
  });
});

describe('freeName', () => {
  it.each([
    [[], 'tumours.ipynb'],
    [['tumours.ipynb'], 'tumours-2.ipynb'],
    [['tumours.ipynb', 'tumours-2.ipynb'], 'tumours-3.ipynb']
  ])('with %j taken gives %s', (taken, name) => {
    expect(freeName('01-tumours', new Set(taken))).toBe(name);
  });

  it('keeps a name that is only a number', () => {
    expect(freeName('2026', new Set())).toBe('2026.ipynb');
  });
});
