import { mergeSteps } from '../src/notebook/reshaping';
import { PipelineModel } from '../src/panels/pipeline/model';
import {
  FakeNotebook,
  FakePlatform,
  failure,
  parameter,
  pipeline,
  planned,
  run,
  step,
  task,
  until
} from './platform';

const CELLS = { a: 'x = 1', b: 'y = x / z' };
const STEPS = [step('load', { a: CELLS.a }), step('train', { b: CELLS.b })];
const FAILED = run({
  state: 'FAILED',
  tasks: [
    task('load', { state: 'SUCCEEDED' }),
    task('train', {
      state: 'FAILED',
      failure: failure({
        code: 'cell-error',
        message: 'Step train failed.',
        step: 'train',
        cell: 'b',
        cell_index: 1,
        line: 1,
        error_name: 'NameError',
        error_value: "name 'z' is not defined",
        traceback: []
      })
    })
  ]
});

function create(): [PipelineModel, FakePlatform, FakeNotebook] {
  const platform = new FakePlatform();
  platform.routes.set('POST compile', () => pipeline(STEPS));
  platform.routes.set('POST plan', () => ({ steps: [planned('load')] }));
  platform.routes.set('GET runs', () => ({ runs: [], next: null }));
  for (const name of ['run-1', 'run-1/pipeline']) {
    platform.routes.set(`GET runs/${name}`, () =>
      name === 'run-1' ? FAILED : pipeline(STEPS)
    );
  }
  platform.routes.set('GET runs/run-1/metrics', () => ({ metrics: [] }));
  platform.routes.set('GET runs/run-1/outputs', () => ({ outputs: [] }));
  const model = new PipelineModel(platform.connection, path => `/srv/${path}`);
  return [model, platform, new FakeNotebook({ ...CELLS })];
}

function compiles(platform: FakePlatform): number {
  return platform.requests.filter(({ path }) => path === 'compile').length;
}

describe('PipelineModel', () => {
  it('compiles the active notebook as it stands in the editor', async () => {
    const [model, platform, notebook] = create();

    model.setNotebook(notebook);
    await until(() => model.pipeline !== null);

    expect(model.stepOf('b')?.name).toBe('train');
    expect(platform.requests.find(({ path }) => path === 'compile')).toEqual({
      method: 'POST',
      path: 'compile',
      body: { path: '/srv/folder/churn.ipynb', notebook: notebook.snapshot() }
    });
    model.dispose();
  });

  it('compiles again, and runs, with what the kernel saw', async () => {
    const [model, platform, notebook] = create();
    platform.routes.set('POST runs', () => FAILED);
    model.setNotebook(notebook);
    await until(() => model.pipeline !== null);

    notebook.observe({ version: 1, cells: {} });
    await until(() => compiles(platform) === 2);
    await model.submit();

    for (const path of ['compile', 'runs']) {
      const sent = platform.requests
        .filter(request => request.method === 'POST' && request.path === path)
        .pop();
      expect(sent?.body).toMatchObject({ notebook: notebook.observed() });
    }
    model.dispose();
  });

  it('compiles once when typing pauses', async () => {
    const [model, platform, notebook] = create();
    model.setNotebook(notebook);
    await until(() => model.pipeline !== null);

    for (const source of ['x', 'x =', 'x = 2']) {
      notebook.edit('a', source);
    }
    expect(compiles(platform)).toBe(1);
    await until(() => compiles(platform) === 2);

    expect(platform.requests.at(-1)?.body).toMatchObject({
      notebook: { cells: [{ source: 'x = 2' }, {}] }
    });
    model.dispose();
  });

  it('takes the newest answer when an older one comes late', async () => {
    const [model, platform, notebook] = create();
    const answers: ((name: string) => void)[] = [];
    platform.routes.set(
      'POST compile',
      () =>
        new Promise(resolve =>
          answers.push(name => resolve(pipeline([step(name)])))
        )
    );
    model.setNotebook(notebook);
    await until(() => answers.length === 1);
    void model.recompile();
    await until(() => answers.length === 2);

    answers[1]('new');
    answers[0]('old');
    await until(() => !model.isCompiling);

    expect(model.pipeline?.steps.map(step => step.name)).toEqual(['new']);
    model.dispose();
  });

  it('keeps the last pipeline and the reason when compiling fails', async () => {
    const [model, platform, notebook] = create();
    model.setNotebook(notebook);
    await until(() => model.pipeline !== null);
    platform.routes.delete('POST compile');

    await model.recompile();

    expect(model.pipeline?.steps).toHaveLength(2);
    expect(String(model.error)).toBe('ApiError: No compile.');
    model.dispose();
  });

  it('saves before it submits, and sends only parameters that were set', async () => {
    const [model, platform, notebook] = create();
    platform.routes.set('POST compile', () =>
      pipeline(STEPS, {
        parameters: [
          parameter('int', { name: 'trees', default: 100 }),
          parameter('int', { name: 'seed', default: 7 })
        ]
      })
    );
    platform.routes.set('POST runs', () => run());
    model.setNotebook(notebook);
    await until(() => model.pipeline !== null);

    model.setParameter('trees', '250');
    await model.submit();

    expect(notebook.saves).toBe(1);
    expect(
      platform.requests.find(
        ({ method, path }) => method === 'POST' && path === 'runs'
      )?.body
    ).toEqual({
      path: '/srv/folder/churn.ipynb',
      parameters: { trees: 250 },
      cache: true,
      until: null,
      from_step: null
    });
    expect(model.run?.id).toBe('run-1');
    model.dispose();
  });

  it('does not run with a parameter of the wrong type', async () => {
    const [model, platform, notebook] = create();
    platform.routes.set('POST compile', () =>
      pipeline(STEPS, {
        parameters: [parameter('int', { name: 'trees', default: 100 })]
      })
    );
    model.setNotebook(notebook);
    await until(() => model.pipeline !== null);

    model.setParameter('trees', 'many');

    expect(model.isRunnable).toBe(false);
    expect([...model.parameterProblems]).toEqual([['trees', 'not-an-integer']]);
    model.dispose();
  });

  it('marks the failing cell until that cell is edited', async () => {
    const [model, platform, notebook] = create();
    platform.routes.set('GET runs', () => ({
      runs: [{ id: 'run-1' }],
      next: null
    }));

    model.setNotebook(notebook);
    await until(() => model.failure !== null);
    expect(model.failure?.cell).toBe('b');

    notebook.edit('a', 'x = 3');
    expect(model.failure?.cell).toBe('b');
    notebook.edit('b', 'y = x / 2');
    expect(model.failure).toBeNull();
    model.dispose();
  });

  it('shows a run of this notebook that was started elsewhere', async () => {
    const [model, platform, notebook] = create();
    model.setNotebook(notebook);

    platform.send('run.created', 'run-9', {
      id: 'run-9',
      notebook: '/srv/other.ipynb'
    });
    expect(model.run).toBeNull();
    platform.send('run.created', 'run-1', {
      id: 'run-1',
      notebook: '/srv/folder/churn.ipynb'
    });

    expect(model.run?.id).toBe('run-1');
    model.dispose();
  });

  it('saves and goes on from a step of the last run', async () => {
    const [model, platform, notebook] = create();
    platform.routes.set('GET runs', () => ({
      runs: [{ id: 'run-1' }],
      next: null
    }));
    platform.routes.set('POST runs/run-1/retry', () => run());
    model.setNotebook(notebook);
    await until(() => model.run !== null);

    await model.retry('train');

    expect(notebook.saves).toBe(1);
    expect(
      platform.requests.find(({ path }) => path.endsWith('/retry'))?.body
    ).toEqual({ path: '/srv/folder/churn.ipynb', from_step: 'train' });
    model.dispose();
  });

  it('asks what a run would do after each edit, each value and each run', async () => {
    const [model, platform, notebook] = create();
    const plans = () =>
      platform.requests.filter(({ path }) => path === 'plan').length;
    model.setNotebook(notebook);
    await until(() => model.plan !== null);
    expect(model.planned('load')?.will).toBe('run');
    expect(model.planned('gone')).toBeNull();

    notebook.edit('a', 'x = 2');
    await until(() => plans() === 2);
    model.setParameter('rate', '2');
    await until(() => plans() === 3);
    platform.send('run.created', 'run-1', FAILED);
    await until(() => plans() === 4);

    platform.routes.set('POST plan', () => new Response('{}', { status: 500 }));
    notebook.edit('a', 'x = 3');
    await until(() => model.planError !== null);
    expect(model.plan).toBeNull();
    model.dispose();
  });

  it('writes a change of steps only if the compiler makes of it what was meant', async () => {
    const [model, platform, notebook] = create();
    model.setNotebook(notebook);
    await until(() => model.pipeline !== null);
    const merge = () =>
      model.reshape(now => mergeSteps(now, ['load', 'train']));

    expect(await merge()).toEqual({
      code: 'compiler',
      message: 'The steps stay as they are when compiled.'
    });
    expect(notebook.metadata.size).toBe(0);
    platform.routes.set('POST compile', () => pipeline([step('load', CELLS)]));

    expect(await merge()).toBeNull();
    expect([...notebook.metadata.values()]).toEqual([
      { step: 'load' },
      { step: 'load' }
    ]);
    expect(model.selection).toEqual({ kind: 'step', name: 'load' });
    model.dispose();
  });
});
