import type { TranslationBundle } from '@jupyterlab/translation';

import type { Place, PlacedServer, ServerKind } from '../src/api/types';
import { Places } from '../src/api/places';
import {
  OTHER,
  newServerDraft,
  quantityOf,
  serverProblems,
  serverRequest,
  withKind
} from '../src/panels/servers/draft';
import {
  addressOf,
  countdownOf,
  deviceName,
  keyOf,
  lookOf,
  nextOf
} from '../src/panels/servers/facts';
import { ServersModel } from '../src/panels/servers/model';
import { FakePlatform } from './platform';

/** Texts as they stand, their `%1` filled in. */
const trans = {
  __: (text: string, ...given: unknown[]) =>
    text.replace(/%(\d)/g, (_, at: string) => String(given[Number(at) - 1]))
} as TranslationBundle;
const NOW = Date.parse('2026-11-20T12:00:00Z');

function server(
  name: string,
  change: Partial<PlacedServer> = {}
): PlacedServer {
  return {
    name,
    place: 'team',
    profile: 'anna',
    creator: 'anna',
    kind: 'gpu',
    state: 'RUNNING',
    reason: 'Ready',
    message: 'It is running.',
    url: `/notebook/anna/${name}/`,
    address: `https://hub.example.org/notebook/anna/${name}/`,
    image: 'python:3.12',
    cpu: '2',
    memory: '8Gi',
    gpu: { resource: 'nvidia.com/gpu', count: 1 },
    pod: `${name}-0`,
    node: 'node-1',
    restarts: 0,
    created_at: '2026-11-20T10:00:00Z',
    started_at: '2026-11-20T10:01:00Z',
    stopped_at: null,
    active_at: '2026-11-20T11:50:00Z',
    checked_at: null,
    warned_at: null,
    culls_at: null,
    ends_at: null,
    conditions: [],
    ...change
  };
}

function kind(change: Partial<ServerKind> = {}): ServerKind {
  return {
    name: 'gpu',
    hidden: false,
    images: [
      { name: 'torch', image: 'torch:2', title: 'PyTorch', description: '' }
    ],
    custom: [],
    cpu: { default: '2', most: '8', burst: 1 },
    memory: { default: '8Gi', most: '64Gi', burst: 1 },
    gpus: [
      {
        name: 'a100',
        resource: 'nvidia.com/gpu',
        title: 'A100',
        counts: [1, 2],
        default: 1,
        nodes: {},
        tolerations: [],
        runtime: null
      }
    ],
    home: {
      size: '10Gi',
      most: '100Gi',
      storage: null,
      access: 'ReadWriteOnce',
      mount: '/home/jovyan',
      keep: true
    },
    claims: true,
    presets: [],
    ...change
  } as ServerKind;
}

describe('how a server is', () => {
  it.each([
    ['waiting', { state: 'PENDING', reason: 'WaitingForGpu' }],
    ['starting', { state: 'PENDING', reason: 'PullingImage' }],
    ['running', {}],
    ['deleting', { state: 'STOPPING', reason: 'Deleting' }],
    ['stopped', { state: 'STOPPED', reason: 'Culled' }]
  ] as const)('is told as %s', (look, change) => {
    expect(lookOf(server('lab', change))).toBe(look);
  });

  it('says what one does next', () => {
    expect(nextOf(server('lab'))).toBe('enter');
    expect(nextOf(server('lab', { address: null }))).toBeNull();
    expect(nextOf(server('lab', { state: 'STOPPED', reason: 'Stopped' }))).toBe(
      'start'
    );
    expect(nextOf(server('lab', { state: 'STOPPED', reason: 'Culled' }))).toBe(
      'wake'
    );
    expect(nextOf(server('lab', { state: 'FAILED' }))).toBeNull();
  });

  it('is followed only to an address of the web', () => {
    expect(addressOf(server('lab'))).toContain('https://hub.example.org/');
    for (const address of ['javascript:alert(1)', 'data:text/html,x', '//x']) {
      expect(addressOf(server('lab', { address }))).toBeNull();
    }
  });

  it('counts down to what comes first', () => {
    const soon = server('lab', {
      culls_at: '2026-11-20T12:42:00Z',
      ends_at: '2026-11-20T20:00:00Z'
    });
    expect(countdownOf(trans, soon, NOW)).toEqual({
      text: expect.stringContaining('42'),
      at: '2026-11-20T12:42:00Z',
      isSoon: false
    });
    const warned = { ...soon, warned_at: '2026-11-20T11:59:00Z' };
    expect(countdownOf(trans, warned, NOW)?.isSoon).toBe(true);
    const stopped = server('lab', { ...soon, state: 'STOPPED' });
    expect(countdownOf(trans, stopped, NOW)).toBeNull();
  });

  it('names devices as people do', () => {
    expect(deviceName(trans, 'nvidia.com/gpu')).toBe('NVIDIA GPU');
    expect(deviceName(trans, 'nvidia.com/mig-1g.10gb')).toBe(
      'NVIDIA MIG 1g.10gb'
    );
    expect(deviceName(trans, 'example.org/npu')).toBe('example.org/npu');
  });
});

describe('the draft of a server', () => {
  const draft = withKind(newServerDraft('team', 'lab'), kind());

  it('begins with what the kind says, and asks for no more', () => {
    expect(serverProblems(draft, kind(), false)).toEqual({});
    expect(serverRequest(draft)).toEqual({
      name: 'lab',
      kind: 'gpu',
      options: {
        image: 'torch',
        resources: { cpu: null, memory: null },
        gpu: { name: 'a100', count: 1 },
        home: null,
        volumes: [],
        env: {},
        presets: [],
        spot: false
      },
      cull_after: null,
      max_lifetime: null
    });
  });

  it('asks for no GPU where none is chosen, although the kind gives one', () => {
    const request = serverRequest({ ...draft, gpu: '' });
    expect(request.options?.gpu).toEqual({ count: 0 });
  });

  it('says what is wrong at its field', () => {
    const wrong = {
      ...draft,
      name: '1lab',
      image: OTHER,
      cpu: '16',
      memory: 'much',
      env: 'no',
      cullAfter: 'soon',
      volumes: [{ claim: 'data', mount: 'data', isWritable: true }]
    };
    expect(serverProblems(wrong, kind(), false)).toEqual({
      name: 'name',
      ownImage: 'missing',
      cpu: 'most',
      memory: 'amount',
      env: 'env',
      cullAfter: 'duration',
      'volumes.0': 'mount'
    });
    expect(serverProblems(draft, kind(), true)).toEqual({ name: 'taken' });
  });

  it('reads quantities as Kubernetes does', () => {
    expect(['500m', '2', '1Gi', '1G', 'x', '-1'].map(quantityOf)).toEqual([
      0.5,
      2,
      2 ** 30,
      1e9,
      null,
      null
    ]);
  });
});

describe('ServersModel', () => {
  const CLUSTER = { name: 'team', profile: 'anna', problem: '' };
  let platform: FakePlatform;
  let model: ServersModel;

  beforeEach(async () => {
    platform = new FakePlatform();
    platform.routes.set('GET servers', () => ({
      servers: [server('zoo'), server('lab')],
      clusters: [CLUSTER]
    }));
    model = new ServersModel(platform.connection);
    await model.load();
  });

  afterEach(() => model.dispose());

  const stateOf = (name: string) => model.find(name)?.state;

  it('lists servers by name, and knows which clusters there are', () => {
    expect(model.servers.map(({ name }) => name)).toEqual(['lab', 'zoo']);
    expect(model.clusters).toEqual([CLUSTER]);
    expect(model.troubledCount).toBe(0);
  });

  it('has no error where there is no cluster', async () => {
    platform.routes.set('GET servers', () => ({ servers: [], clusters: [] }));
    await model.load();
    expect(model.error).toBeNull();
    expect(model.clusters).toEqual([]);
  });

  it('shows a stop at once, and takes it back when it is refused', async () => {
    let refuse: () => void = () => undefined;
    platform.routes.set(
      'POST servers/lab/stop',
      () =>
        new Promise(resolve => {
          refuse = () =>
            resolve(
              new Response('{"code":"forbidden","message":"No."}', {
                status: 403
              })
            );
        })
    );

    const stopping = model.stop('team/lab');
    expect(stateOf('team/lab')).toBe('STOPPING');
    expect(model.isBusy(model.servers[0])).toBe(true);
    refuse();

    await expect(stopping).rejects.toThrow('No.');
    expect(stateOf('team/lab')).toBe('RUNNING');
    expect(model.isBusy(model.servers[0])).toBe(false);
  });

  it('keeps what was told while a refusal was on its way', async () => {
    platform.routes.set('POST servers/lab/stop', () => {
      const told = server('lab', { state: 'FAILED' });
      platform.send('server.updated', 'team/lab', told);
      return new Response('{"code":"conflict","message":"No."}', {
        status: 409
      });
    });
    await expect(model.stop('team/lab')).rejects.toThrow('No.');
    expect(stateOf('team/lab')).toBe('FAILED');
    expect(model.troubledCount).toBe(1);
  });

  it('shows what a cluster made of a start', async () => {
    const waiting = { state: 'PENDING', reason: 'WaitingForGpu' } as const;
    platform.routes.set('POST servers/lab/start', ({ search }) => {
      expect(search.get('place')).toBe('team');
      return server('lab', waiting);
    });
    await model.start('team/lab');
    expect(lookOf(model.servers[0])).toBe('waiting');
  });

  it('lets a deleted server go when the cluster has', async () => {
    platform.routes.set('DELETE servers/lab', ({ search }) => {
      expect(search.get('volumes')).toBe('true');
      return new Response(null, { status: 204 });
    });
    model.open('team/lab');
    await model.delete('team/lab', true);
    expect(lookOf(model.servers[0])).toBe('deleting');
    platform.send('server.deleted', 'team/lab', {});
    expect(model.selected).toBeNull();
    expect(model.servers.map(keyOf)).toEqual(['team/zoo']);
  });

  it('creates what the form says, and shows it', async () => {
    platform.routes.set('GET server-kinds', () => ({
      place: 'team',
      kinds: [kind()],
      presets: [],
      claims: []
    }));
    platform.routes.set('POST servers', ({ body }) =>
      server((body as { name: string }).name, { state: 'PENDING' })
    );
    model.compose();
    await model.form?.load();
    expect(model.form?.draft.name).toBe('lab-2'); // there is a lab
    expect(await model.create()).toBe(true);
    expect(model.form).toBeNull();
    expect(model.selected?.name).toBe('lab-2');
  });

  it('stays in the form with what the cluster refused', async () => {
    platform.routes.set('GET server-kinds', () => ({
      place: 'team',
      kinds: [kind()],
      presets: [],
      claims: []
    }));
    platform.routes.set(
      'POST servers',
      () =>
        new Response('{"code":"quota","message":"Too many."}', { status: 403 })
    );
    model.compose();
    await model.form?.load();
    expect(await model.create()).toBe(false);
    expect(model.form?.error).toMatchObject({ message: 'Too many.' });
  });
});

describe('Places', () => {
  const HERE = { name: 'this-machine', answers: true } as Place;

  it('are no choice as long as there is this machine only', async () => {
    const places = new Places(async () => [HERE]);
    await places.load();
    expect(places.isChoice).toBe(false);
  });

  it('are asked for once, and again after a failure', async () => {
    const ask = jest
      .fn<Promise<readonly Place[]>, []>()
      .mockRejectedValueOnce(new Error('gone'))
      .mockResolvedValue([HERE, { ...HERE, name: 'team' }]);
    const places = new Places(ask);
    await places.load();
    expect(places.isChoice).toBe(false);
    await Promise.all([places.load(), places.load()]);
    expect(places.isChoice).toBe(true);
    expect(ask).toHaveBeenCalledTimes(2);
  });
});
