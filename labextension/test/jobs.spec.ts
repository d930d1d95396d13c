import type { Trial, TuneSpec } from '../src/api/types';
import { axisAbout, shareOf, ticks } from '../src/charts/axes';
import { decimate } from '../src/charts/series';
import {
  jobProblems,
  jobRequest,
  newJobDraft,
  readEnv,
  splitCommand
} from '../src/panels/jobs/draft';
import { JobForm } from '../src/panels/jobs/form-model';
import { remainingOf } from '../src/panels/jobs/remaining';
import { curvesOf } from '../src/panels/training/curves';
import { TRAIN, newTrainDraft } from '../src/panels/training/draft';
import { TrainingModel } from '../src/panels/training/model';
import { TrainWatch, failingFirst } from '../src/panels/training/watch';
import {
  TUNE,
  dimensionFor,
  dimensionProblems,
  namesIn,
  newTuneDraft,
  tuneProblems,
  tuneSpec,
  valuesOf
} from '../src/panels/tuning/draft';
import {
  axesOf,
  bestOf,
  bestSoFar,
  filtered,
  sorted,
  tellingOf,
  threadsOf
} from '../src/panels/tuning/facts';
import { TuningWatch } from '../src/panels/tuning/watch';
import {
  FakePlatform,
  TIME,
  parameter,
  pipeline,
  run,
  summary,
  task,
  until
} from './platform';

const PATH = '/srv/work/Train Digits (v2).ipynb';

function rank(number: number, rest: object = {}) {
  return {
    rank: number,
    node: 0,
    local_rank: number,
    state: 'running' as const,
    pid: 1,
    gpus: [],
    exit: null,
    started_at: TIME,
    finished_at: null,
    ...rest
  };
}

function trial(number: number, rest: Partial<Trial> = {}): Trial {
  return {
    number,
    state: 'Succeeded',
    parameters: { lr: 0.1 / number, kind: 'a' },
    value: number / 10,
    metrics: { auc: { latest: number / 10, min: 0, max: number / 10 } },
    label: {},
    failure: null,
    started_at: TIME,
    finished_at: TIME,
    duration_s: 1,
    ...rest
  };
}

function spec(rest: Partial<TuneSpec> = {}): TuneSpec {
  return {
    ...tuneSpec(
      newTuneDraft({
        path: PATH,
        metric: 'auc',
        space: [
          dimensionFor(parameter('float', { name: 'lr', default: 0.01 })),
          {
            ...dimensionFor(parameter('str', { name: 'kind' })),
            values: 'a, b'
          }
        ]
      })
    ),
    ...rest
  };
}

describe('the draft of a job', () => {
  it('is named after its file and lacks nothing but what only the user knows', () => {
    const draft = newJobDraft({ path: PATH });

    expect(draft).toMatchObject({
      name: 'train-digits-v2',
      folder: '/srv/work'
    });
    expect(jobProblems(draft, [])).toEqual({});
    expect(jobProblems({ ...draft, path: '' }, [])).toEqual({
      path: 'missing'
    });
    expect(
      jobProblems(
        { ...draft, source: 'cell', memory: 'much', retries: '-1', env: '=1' },
        []
      )
    ).toEqual({
      cell: 'missing',
      memory: 'memory',
      retries: 'count',
      env: 'env'
    });
  });

  it('asks for what is run, with texts read as what they are', () => {
    const draft = newJobDraft({
      path: PATH,
      parameters: { epochs: '5', name: 'x' },
      gpu: '0.5',
      deadline: '2',
      env: 'A=1=2\n\nB=',
      retries: '3'
    });
    const known = [
      parameter('int', { name: 'epochs' }),
      parameter('str', { name: 'name' })
    ];

    expect(jobRequest(draft, known)).toMatchObject({
      payload: {
        notebook: PATH,
        step: null,
        arguments: { epochs: 5, name: 'x' }
      },
      gpu: 0.5,
      cpu: null,
      timeout_s: 120,
      retries: 3,
      env: { A: '1=2', B: '' }
    });
    expect(
      jobRequest(
        { ...draft, source: 'command', command: 'python "a b.py" -x' },
        []
      )
    ).toMatchObject({
      payload: { command: ['python', 'a b.py', '-x'], cwd: '/srv/work' }
    });
  });

  it('splits a command as a shell does', () => {
    expect(splitCommand(`run --a='x y' "b \\"c\\"" d\\ e`)).toEqual([
      'run',
      '--a=x y',
      'b "c"',
      'd e'
    ]);
    expect(splitCommand('run "open')).toBeNull();
    expect(splitCommand('')).toEqual([]);
    expect(readEnv('1A=2')).toBeNull();
  });
});

describe('the form of a train job', () => {
  it('learns the steps and parameters of the notebook, and begins the job once', async () => {
    const platform = new FakePlatform();
    platform.routes.set('POST compile', () =>
      pipeline([], { parameters: [parameter('int', { name: 'epochs' })] })
    );
    platform.routes.set('POST train-jobs', () => run({ kind: 'train' }));
    const saved: string[] = [];
    const form = new JobForm(
      platform.connection,
      TRAIN,
      newTrainDraft({ path: PATH }),
      async path => {
        saved.push(path);
      }
    );
    await until(() => form.parameters.length === 1);

    form.setParameter('epochs', 'x');
    expect(form.canSubmit).toBe(false);
    form.setParameter('epochs', '7');
    form.edit({ nodes: '2', processes: '' });
    const begun = await form.submit();

    expect(begun?.id).toBe('run-1');
    expect(saved).toEqual([PATH, PATH]);
    const sent = platform.requests.filter(({ path }) => path === 'train-jobs');
    expect(sent).toHaveLength(1);
    expect(sent[0].body).toMatchObject({
      payload: { arguments: { epochs: 7 } },
      train: { runtime: 'torch-distributed', nodes: 2, processes: null }
    });
    form.dispose();
  });

  it('keeps what was filled in when the engine refuses', async () => {
    const platform = new FakePlatform();
    platform.routes.set(
      'POST train-jobs',
      () =>
        new Response('{"code":"invalid","message":"No GPU."}', { status: 422 })
    );
    const form = new JobForm(
      platform.connection,
      TRAIN,
      newTrainDraft({ source: 'command', command: 'true', name: 'j', path: '' })
    );

    expect(await form.submit()).toBeNull();

    expect(String(form.error)).toContain('No GPU.');
    expect(form.draft.command).toBe('true');
    form.edit({ gpu: '' });
    expect(form.error).toBeNull();
    form.dispose();
  });
});

describe('the list of jobs', () => {
  it('holds its own kind only, with their progress', async () => {
    const platform = new FakePlatform();
    const asked: (string | null)[] = [];
    platform.routes.set('GET runs', ({ search }) => {
      asked.push(search.get('kind'));
      return {
        runs: [summary(1, { kind: 'train', state: 'RUNNING' })],
        next: null,
        total: 1
      };
    });
    platform.routes.set('GET runs/run-1', () =>
      run({ tasks: [task('train', { progress: { fraction: 0.25 } as never })] })
    );
    const model = new TrainingModel(platform.connection);
    (platform.connection.reset as never as { emit: () => void }).emit();
    await until(() => model.progressOf('run-1') !== null);

    platform.send(
      'run.created',
      'run-2',
      summary(2, { kind: 'tune', state: 'RUNNING' })
    );
    platform.send(
      'run.created',
      'run-3',
      summary(3, { kind: 'train', state: 'RUNNING' })
    );
    platform.send('task.updated', 'train', {
      run_id: 'run-1',
      task: task('train', { progress: { fraction: 0.5 } as never })
    });

    expect(asked).toContain('train');
    expect(model.pages.loaded.map(({ number }) => number)).toEqual([3, 1]);
    expect(model.activeCount).toBe(2);
    expect(model.progressOf('run-1')?.fraction).toBe(0.5);
    model.dispose();
  });

  it('shows a pause at once, and takes it back when it is refused', async () => {
    const platform = new FakePlatform();
    platform.routes.set('GET runs', () => ({
      runs: [summary(1, { kind: 'train', state: 'RUNNING' })],
      next: null,
      total: 1
    }));
    const model = new TrainingModel(platform.connection);
    (platform.connection.reset as never as { emit: () => void }).emit();
    await until(() => model.pages.total === 1);

    const asking = model.pause('run-1', true);
    expect(model.pages.at(0)?.state).toBe('PAUSED');
    await expect(asking).rejects.toThrow();

    expect(model.pages.at(0)?.state).toBe('RUNNING');
    model.dispose();
  });
});

describe('one train job', () => {
  it('puts the process that failed first on top', () => {
    const ranks = [
      rank(0, { state: 'stopped' }),
      rank(1, { state: 'failed', finished_at: '2026-11-20T12:00:09Z' }),
      rank(2, { state: 'failed', finished_at: '2026-11-20T12:00:03Z' })
    ];

    expect(failingFirst(ranks as never).map(one => one.rank)).toEqual([
      2, 1, 0
    ]);
  });

  it('follows its processes, and reads the log of one', async () => {
    const platform = new FakePlatform();
    let ranks = [rank(0), rank(1)];
    platform.routes.set('GET runs/r', () => run({ id: 'r' }));
    platform.routes.set('GET runs/r/pipeline', () => pipeline([]));
    platform.routes.set('GET runs/r/metrics', () => ({ metrics: [] }));
    platform.routes.set('GET runs/r/outputs', () => ({ outputs: [] }));
    platform.routes.set('GET runs/r/ranks', () => ({
      spec: {},
      ranks,
      progress: null,
      checkpoints: [],
      conditions: [],
      restarts: 0
    }));
    platform.routes.set('GET runs/r/ranks/1/log', ({ search }) => {
      const text = search.get('stream') === 'stderr' ? 'no such column\n' : '';
      const bytes = new TextEncoder()
        .encode(text)
        .slice(Number(search.get('offset')));
      return new Response(bytes, {
        headers: { 'X-Log-Size': String(text.length) }
      });
    });
    const watch = new TrainWatch(platform.connection, 'r');
    await until(() => watch.ranks.length === 2);

    ranks = [rank(0), rank(1, { state: 'failed', exit: 'KeyError' }) as never];
    platform.send('rank.updated', '1', { run_id: 'r' });
    await until(() => watch.ranks[0].rank === 1);
    watch.showLog(watch.rank);
    await until(() => (watch.log?.lines.length ?? 0) > 0);

    expect(watch.log?.lines[0].text).toBe('no such column');
    watch.dispose();
  });

  it('draws the curves of several jobs together, each in one colour', () => {
    const metric = (name: string, position: number) => ({
      name,
      value: position,
      step: 'train',
      position,
      logged_at: TIME
    });
    const job = (id: string, number: number, names: string[]) => ({
      id,
      watch: {
        run: run({ id, number }),
        metrics: names.flatMap(name => [metric(name, 0), metric(name, 1)])
      }
    });

    const charts = curvesOf(
      [job('a', 1, ['loss', 'acc']), job('b', 2, ['loss'])] as never,
      'position'
    );

    expect(
      charts.map(({ name, series }) => [name, series.map(({ label }) => label)])
    ).toEqual([
      ['loss', ['#1', '#2']],
      ['acc', ['#1']]
    ]);
  });

  it('counts down what was left when the job said so', () => {
    const progress = {
      fraction: 0.5,
      remaining_s: 60,
      position: null,
      message: '',
      reported_at: TIME
    };

    expect(remainingOf(progress, Date.parse(TIME) + 20_000)).toBe(40);
    expect(remainingOf(progress, Date.parse(TIME) + 90_000)).toBe(0);
    expect(remainingOf(null, 0)).toBeNull();
  });

  it('draws many points as few, and loses no spike', () => {
    const points = Array.from({ length: 100_000 }, (_, x): [number, number] => [
      x,
      x === 54_321 ? 9 : Math.sin(x)
    ]);

    const drawn = decimate(points, 4000);

    expect(drawn.length).toBeLessThanOrEqual(4000);
    expect(drawn).toContainEqual([54_321, 9]);
    expect([drawn[0][0], drawn.at(-1)?.[0]]).toEqual([0, 99_999]);
    expect(drawn.every(([x], at) => at === 0 || x > drawn[at - 1][0])).toBe(
      true
    );
  });
});

describe('the draft of a tuning job', () => {
  it('offers a stretch about what a parameter is', () => {
    expect(
      dimensionFor(parameter('float', { name: 'lr', default: 0.01 }))
    ).toMatchObject({
      type: 'double',
      distribution: 'log-uniform',
      minimum: '0.0001',
      maximum: '1'
    });
    expect(dimensionFor(parameter('int', { default: 8 }))).toMatchObject({
      type: 'int',
      minimum: '2',
      maximum: '32'
    });
    expect(dimensionFor(parameter('bool', { default: true })).values).toBe(
      'true, false'
    );
    expect(dimensionFor(parameter('str', { choices: ['a', 'b'] })).values).toBe(
      'a, b'
    );
  });

  it('finds what a cell gives a name', () => {
    const found = namesIn(
      'lr = 0.1  # rate\ndepth: int = 3\nuse = True\nx = f(1)\nkind = "a"'
    );

    expect(
      found.map(({ name, type, default: value }) => [name, type, value])
    ).toEqual([
      ['lr', 'float', 0.1],
      ['depth', 'int', 3],
      ['use', 'bool', true],
      ['kind', 'str', 'a']
    ]);
  });

  it('says what is wrong with a space', () => {
    const base = dimensionFor(
      parameter('float', { name: 'lr', default: 0.01 })
    );
    const wrong = (part: object, algorithm = 'tpe') =>
      dimensionProblems({ ...base, ...part }, algorithm);

    expect(wrong({ minimum: '2', maximum: '1' })).toEqual({ maximum: 'order' });
    expect(wrong({ minimum: '0' })).toEqual({ minimum: 'positive' });
    expect(wrong({}, 'grid')).toEqual({ step: 'step' });
    expect(wrong({ type: 'int' })).toEqual({ minimum: 'count' });
    expect(wrong({ type: 'discrete', values: '1, x' })).toEqual({
      values: 'values'
    });
    expect(wrong({ name: '' })).toEqual({ name: 'missing' });
    const draft = newTuneDraft({
      path: PATH,
      metric: 'auc',
      space: [base, base]
    });
    expect(tuneProblems(draft, [])).toEqual({ 'space.1.name': 'twice' });
    expect(
      tuneProblems({ ...draft, space: [], metric: '', trials: '0' }, [])
    ).toEqual({
      space: 'no-space',
      metric: 'missing',
      trials: 'count'
    });
  });

  it('says where metrics are read, which value counts, and who shares a process', () => {
    const draft = newTuneDraft({
      path: PATH,
      metric: 'loss',
      additional: 'auc, f1',
      space: [dimensionFor(parameter('float', { name: 'lr', default: 1 }))],
      collector: 'file',
      collectorPath: 'log.txt',
      patterns: '(\\w+) is ([0-9.]+)\n\n(?P<n>[a-z]+):(?P<v>.+)',
      strategies: { loss: 'latest', auc: 'max', gone: 'min' }
    });

    expect(tuneProblems(draft, [])).toEqual({});
    expect(tuneSpec(draft)).toMatchObject({
      objective: { strategies: { loss: 'latest', auc: 'max' } },
      collector: {
        kind: 'file',
        path: 'log.txt',
        format: 'text',
        patterns: ['(\\w+) is ([0-9.]+)', '(?P<n>[a-z]+):(?P<v>.+)']
      }
    });
    expect(
      tuneSpec({ ...draft, collectorFormat: 'json' }).collector.patterns
    ).toEqual([]);
    for (const patterns of ['(', 'loss=(.*)']) {
      expect(tuneProblems({ ...draft, patterns }, [])).toEqual({
        patterns: 'pattern'
      });
    }
    expect(tuneProblems({ ...draft, isInline: 'yes' }, [])).toEqual({
      isInline: 'inline'
    });
    expect(tuneSpec({ ...draft, isInline: 'yes', step: 'fit' }).is_inline).toBe(
      true
    );
    expect(
      tuneProblems({ ...draft, isInline: 'yes', step: 'fit' }, [])
    ).toEqual({});
  });

  it('asks for what was filled in; what is tried is given no fixed value', async () => {
    const platform = new FakePlatform();
    platform.routes.set('POST tuning-jobs', () => run({ kind: 'tune' }));
    const lr = dimensionFor(parameter('float', { name: 'lr', default: 0.01 }));
    const draft = newTuneDraft({
      path: PATH,
      metric: 'auc',
      space: [lr],
      parameters: { lr: '0.5', epochs: '2' },
      settings: { n_startup_trials: '5', gamma: '' },
      stopping: 'asha',
      trials: '',
      warmStart: 'run-1, run-2'
    });

    await TUNE.submit(platform.client, draft, [], {});

    expect(platform.requests[0].body).toMatchObject({
      payload: { arguments: { epochs: 2 } },
      tune: {
        objective: { metric: 'auc', direction: 'maximize', goal: null },
        space: [
          {
            name: 'lr',
            minimum: 0.0001,
            maximum: 1,
            distribution: 'log-uniform'
          }
        ],
        algorithm: { name: 'tpe', settings: { n_startup_trials: 5 } },
        early_stopping: { name: 'asha', settings: {} },
        trials: null,
        parallel: 2,
        warm_start: ['run-1', 'run-2'],
        train: null
      }
    });
    expect(
      (platform.requests[0].body as { payload: { arguments: object } }).payload
        .arguments
    ).not.toHaveProperty('lr');
    expect(valuesOf({ ...lr, values: '1, true, adam, "2"' })).toEqual([
      1,
      true,
      'adam',
      '2'
    ]);
  });
});

describe('trials', () => {
  const trials = [
    trial(1, { value: 0.5 }),
    trial(2, { value: null, state: 'Failed', failure: 'no such column' }),
    trial(3, { value: 0.9, state: 'EarlyStopped' }),
    trial(4, { value: 0.7 })
  ];

  it('have a best one among those that ran to their end', () => {
    expect(bestOf(trials, 'maximize')?.number).toBe(4);
    expect(bestOf(trials, 'minimize')?.number).toBe(1);
    expect(bestSoFar(trials, 'maximize')).toEqual([[1, 0.5], [4, 0.7]]); // prettier-ignore
    expect(tellingOf(trials, 'maximize', 2)).toEqual([2, 4, 1]);
  });

  it('are sorted with those without a value last, and found by any text', () => {
    const numbers = (all: readonly Trial[]) => all.map(({ number }) => number);

    expect(numbers(sorted(trials, 'value', true))).toEqual([3, 4, 1, 2]);
    expect(numbers(sorted(trials, 'value', false))).toEqual([1, 4, 3, 2]);
    expect(numbers(sorted(trials, 'parameter:lr', false))).toEqual([
      4, 3, 2, 1
    ]);
    expect(numbers(filtered(trials, 'Failed', ''))).toEqual([2]);
    expect(numbers(filtered(trials, '', 'column'))).toEqual([2]);
    expect(numbers(filtered(trials, '', 'lr=0.1'))).toEqual([1]);
  });

  it('become threads over the axes of the space', () => {
    const axes = axesOf(spec(), trials);
    const threads = threadsOf(spec(), trials);

    expect(axes.map(({ id, kind }) => [id, kind])).toEqual([
      ['lr', 'number'],
      ['kind', 'word'],
      ['value', 'number']
    ]);
    expect(threads.map(({ id, score }) => [id, score])).toEqual([
      ['1', 0],
      ['3', 1],
      ['4', 0.5]
    ]);
    expect(shareOf(axes[0], 0.01)).toBeCloseTo(0.5);
    expect(shareOf(axes[1], 'b')).toBe(1);
    expect(shareOf(axes[1], 'c')).toBeNull();
  });

  it('are drawn over axes with round numbers', () => {
    expect(ticks(axisAbout('x', [0, 10]), 3).map(([text]) => text)).toEqual([
      '0',
      '5',
      '10'
    ]);
    const log = {
      id: 'x',
      label: 'x',
      kind: 'number' as const,
      isLog: true,
      low: 1e-4,
      high: 1
    };
    expect(ticks(log, 3).map(([, at]) => at)).toEqual([0, 0.5, 1]);
  });

  it('come in pages at first, then one by one', async () => {
    const platform = new FakePlatform();
    platform.routes.set('GET runs/t', () => run({ id: 't', kind: 'tune' }));
    platform.routes.set('GET runs/t/pipeline', () => pipeline([]));
    platform.routes.set('GET runs/t/metrics', () => ({ metrics: [] }));
    platform.routes.set('GET runs/t/outputs', () => ({ outputs: [] }));
    platform.routes.set('GET runs/t/tuning', () => ({
      spec: spec({ trials: 4 }),
      step: 'tune',
      counts: {},
      best: null,
      importance: {},
      over: null
    }));
    platform.routes.set('GET runs/t/trials', ({ search }) =>
      search.get('after') === null
        ? { trials: [trial(1)], next: '1', total: 2 }
        : { trials: [trial(2)], next: null, total: 2 }
    );
    const watch = new TuningWatch(platform.connection, 't');
    await until(() => watch.trials.length === 2);

    platform.send('trial.updated', '3', {
      run_id: 't',
      step: 'tune',
      trial: trial(3, { state: 'Running', value: null })
    });
    await until(() => watch.trials.length === 3);

    expect(watch.counts).toEqual({ Succeeded: 2, Running: 1 });
    expect(watch.fraction).toBe(0.5);
    expect(watch.best?.number).toBe(2);
    watch.table.sortBy('value', true);
    expect(watch.table.rows(watch.trials).map(({ number }) => number)).toEqual([
      2, 1, 3
    ]);

    platform.routes.set(
      'POST runs/t/trials/3/stop',
      () =>
        new Promise(resolve =>
          setTimeout(
            () => resolve(new Response('{"message":"No."}', { status: 409 })),
            600
          )
        )
    );
    const stopping = watch.stopTrial(3).catch(error => String(error));
    await until(() => watch.counts.Killed === 1);
    expect(await stopping).toContain('No.');
    await until(() => watch.counts.Running === 1);
    watch.dispose();
  });
});
