import type { Endpoint } from '../src/api/types';
import { EndpointsModel } from '../src/panels/endpoints/model';
import { EndpointWatch } from '../src/panels/endpoints/watch';
import { FakePlatform, TIME, until } from './platform';

export function endpoint(name: string, rest: Partial<Endpoint> = {}): Endpoint {
  return {
    name,
    state: 'READY',
    url: 'http://127.0.0.1:4711',
    message: '',
    revisions: [],
    traffic: [{ revision: 1, percent: 100 }],
    created_at: TIME,
    updated_at: TIME,
    ...rest
  } as Endpoint;
}

async function loaded(): Promise<[EndpointsModel, FakePlatform]> {
  const platform = new FakePlatform();
  platform.routes.set('GET engine', () => ({ last_event: 0 }));
  platform.routes.set('GET endpoints', () => ({
    endpoints: [endpoint('b'), endpoint('a')]
  }));
  const model = new EndpointsModel(platform.connection);
  await platform.connection.ensure();
  await until(() => model.endpoints.length === 2);
  return [model, platform];
}

describe('EndpointsModel', () => {
  it('keeps the list by name while it changes', async () => {
    const [model, platform] = await loaded();

    platform.send('endpoint.updated', 'aa', endpoint('aa'));
    platform.send(
      'endpoint.updated',
      'b',
      endpoint('b', { state: 'DEGRADED' })
    );

    expect(model.endpoints.map(({ name }) => name)).toEqual(['a', 'aa', 'b']);
    expect(model.troubledCount).toBe(1);
    model.dispose();
  });

  it('closes an endpoint that is deleted', async () => {
    const [model, platform] = await loaded();
    platform.routes.set('GET endpoints/a', () => endpoint('a'));
    model.open('a');

    platform.send('endpoint.deleted', 'a', {});

    expect(model.selected).toBeNull();
    expect(model.endpoints.map(({ name }) => name)).toEqual(['b']);
    model.dispose();
  });

  it('shows what it has deployed', async () => {
    const [model, platform] = await loaded();
    platform.routes.set('GET models', () => ({
      models: [
        {
          name: 'c',
          latest_version: 1,
          aliases: {},
          versions: [{ version: 1, format: 'onnx' }]
        }
      ]
    }));
    platform.routes.set('POST endpoints', () =>
      endpoint('c', { state: 'PENDING' })
    );
    platform.routes.set('GET endpoints/c', () => endpoint('c'));
    model.compose({ model: 'c' });

    expect(await model.deploy()).toBe(true);

    expect(model.deployment).toBeNull();
    expect(model.selected?.name).toBe('c');
    model.dispose();
  });
});

describe('EndpointWatch', () => {
  async function watched(): Promise<[EndpointWatch, FakePlatform]> {
    const platform = new FakePlatform();
    platform.routes.set('GET endpoints/a', () => endpoint('a'));
    const watch = new EndpointWatch(platform.connection, 'a');
    await until(() => watch.endpoint !== null);
    return [watch, platform];
  }

  const HALVES = [
    { revision: 1, percent: 50 },
    { revision: 2, percent: 50 }
  ];

  it('shows a new split at once, and can undo it', async () => {
    const [watch, platform] = await watched();
    platform.routes.set('PUT endpoints/a/traffic', ({ body }) =>
      endpoint('a', body as Partial<Endpoint>)
    );

    const done = watch.setTraffic(HALVES);
    expect(watch.endpoint?.traffic).toEqual(HALVES);
    expect(watch.undoable).toBeNull();
    await done;
    expect(watch.undoable).toEqual([{ revision: 1, percent: 100 }]);

    await watch.undo();
    expect(watch.endpoint?.traffic).toEqual([{ revision: 1, percent: 100 }]);
    expect(watch.undoable).toBeNull();
    watch.dispose();
  });

  it('takes a split back that the engine refuses', async () => {
    const [watch] = await watched();

    await expect(watch.setTraffic(HALVES)).rejects.toThrow();

    expect(watch.endpoint?.traffic).toEqual([{ revision: 1, percent: 100 }]);
    expect(watch.isBusy).toBe(false);
    watch.dispose();
  });

  it('undoes nothing once somebody else has changed the split', async () => {
    const [watch, platform] = await watched();
    platform.routes.set('PUT endpoints/a/traffic', ({ body }) =>
      endpoint('a', body as Partial<Endpoint>)
    );
    await watch.setTraffic(HALVES);

    platform.send('endpoint.updated', 'a', endpoint('a'));

    expect(watch.undoable).toBeNull();
    watch.dispose();
  });

  it('knows that it was deleted', async () => {
    const [watch, platform] = await watched();

    platform.send('endpoint.deleted', 'a', {});

    expect(watch.isGone).toBe(true);
    watch.dispose();
  });
});
