import { ModelsModel, withAlias } from '../src/panels/models/model';
import { itemsOfAlias, itemsOfVersion } from '../src/panels/models/menu-items';
import type {
  ModelChange,
  ModelVersion,
  RegisteredModel
} from '../src/api/types';
import { FakePlatform, TIME, run, summary, until } from './platform';

function version(
  number: number,
  rest: Partial<ModelVersion> = {}
): ModelVersion {
  return {
    model: 'churn',
    version: number,
    artifact_id: `art-${number}`,
    format: 'sklearn',
    signature: { inputs: [], outputs: [] },
    metrics: {},
    run_id: 'run-1',
    step: 'train',
    aliases: [],
    description: '',
    input_example: null,
    created_at: TIME,
    ...rest
  };
}

function registered(
  name = 'churn',
  rest: Partial<RegisteredModel> = {}
): RegisteredModel {
  return {
    name,
    description: '',
    created_at: TIME,
    aliases: { champion: 1 },
    latest_version: 2,
    versions: [version(1, { aliases: ['champion'] }), version(2)],
    ...rest
  };
}

function moved(from: number | null, to: number | null): ModelChange {
  return {
    model: 'churn',
    kind: 'alias',
    alias: 'champion',
    from_version: from,
    to_version: to,
    by: 'ana',
    at: TIME
  };
}

/** A model of the section that knows two registered models. */
async function loaded(
  models = [
    registered(),
    registered('ants', { description: 'Six legs', aliases: {} })
  ]
): Promise<[ModelsModel, FakePlatform]> {
  const platform = new FakePlatform();
  platform.routes.set('GET engine', () => ({ last_event: 0 }));
  platform.routes.set('GET models', () => ({ models }));
  platform.routes.set('GET models/churn/history', () => ({
    changes: [moved(null, 1)]
  }));
  const model = new ModelsModel(platform.connection);
  await platform.connection.ensure();
  await until(() => !model.isLoading && model.count === models.length);
  return [model, platform];
}

describe('ModelsModel', () => {
  it('filters by name, alias and description, and sorts', async () => {
    const [model] = await loaded();

    model.setFilter({ sort: 'name' });
    expect(model.models.map(({ name }) => name)).toEqual(['ants', 'churn']);
    model.setFilter({ text: ' CHAMP' });
    expect(model.models.map(({ name }) => name)).toEqual(['churn']);
    model.setFilter({ text: 'legs' });
    expect(model.models.map(({ name }) => name)).toEqual(['ants']);
    expect(model.count).toBe(2);
    model.dispose();
  });

  it('reads a model anew when the engine says it changed, also a new one', async () => {
    const [model, platform] = await loaded();
    platform.routes.set('GET models/bees', () => registered('bees'));

    platform.send('model.updated', 'bees', { model: 'bees' });
    await until(() => model.find('bees') !== null);

    expect(model.count).toBe(3);
    model.dispose();
  });

  it('drops a deleted model and closes it', async () => {
    const [model, platform] = await loaded();
    model.open('churn');

    platform.send('model.deleted', 'churn', { model: 'churn' });

    expect(model.find('churn')).toBeNull();
    expect(model.selected).toBeNull();
    model.dispose();
  });

  it('drops a model that is gone by the time it is read', async () => {
    const [model, platform] = await loaded();

    platform.send('model.updated', 'churn', { model: 'churn' });
    await until(() => model.find('churn') === null);

    model.dispose();
  });

  it('shows a moved alias before the engine has answered', async () => {
    const [model, platform] = await loaded();
    let answer = (_: RegisteredModel) => undefined as void;
    platform.routes.set(
      'PUT models/churn/aliases/champion',
      () => new Promise(resolve => (answer = resolve))
    );

    const moving = model.setAlias('churn', 'champion', 2);
    expect(model.find('churn')?.aliases).toEqual({ champion: 2 });
    expect(model.find('churn')?.versions[1].aliases).toEqual(['champion']);
    await until(() => platform.requests.some(({ method }) => method === 'PUT'));
    answer(withAlias(registered(), 'champion', 2));
    await moving;

    expect(platform.requests.find(({ method }) => method === 'PUT')).toEqual({
      method: 'PUT',
      path: 'models/churn/aliases/champion',
      body: { version: 2 }
    });
    model.dispose();
  });

  it('takes a move back that is refused, and says why', async () => {
    const [model, platform] = await loaded();
    platform.routes.set(
      'PUT models/churn/aliases/champion',
      () =>
        new Response('{"code":"conflict","message":"Not now."}', {
          status: 409
        })
    );

    await expect(model.setAlias('churn', 'champion', 2)).rejects.toThrow(
      'Not now.'
    );

    expect(model.find('churn')).toEqual(registered());
    model.dispose();
  });

  it.each([
    [moved(1, 2), 'PUT', { version: 1 }],
    [moved(null, 2), 'DELETE', null]
  ])('undoes the last move: %j', async (change, method, body) => {
    const [model, platform] = await loaded();
    platform.routes.set('GET models/churn/history', () => ({
      changes: [
        { ...moved(null, null), kind: 'described', alias: null },
        change,
        moved(null, 1)
      ]
    }));
    platform.routes.set(`${method} models/churn/aliases/champion`, () =>
      registered()
    );

    await model.undoAlias('churn');

    const sent = platform.requests.filter(request => request.method === method);
    expect(sent.map(request => request.body)).toEqual([body]);
    model.dispose();
  });

  it('describes at once and rolls back', async () => {
    const [model, platform] = await loaded();
    const describing = model.describe('churn', 'Who leaves.');
    expect(model.find('churn')?.description).toBe('Who leaves.');

    await expect(describing).rejects.toThrow('No models/churn.');

    expect(model.find('churn')?.description).toBe('');
    expect(platform.requests.some(({ method }) => method === 'PATCH')).toBe(
      true
    );
    model.dispose();
  });

  it('offers what the newest run logged while there is no model', async () => {
    const platform = new FakePlatform();
    platform.routes.set('GET engine', () => ({ last_event: 0 }));
    platform.routes.set('GET models', () => ({ models: [] }));
    platform.routes.set('GET runs', () => ({ runs: [summary(7)], next: null }));
    platform.routes.set('GET runs/run-7/models', () => ({
      models: [{ name: 'churn' }]
    }));
    const model = new ModelsModel(platform.connection);

    await platform.connection.ensure();
    await until(() => model.suggestion !== null);

    expect(model.suggestion?.run.number).toBe(7);
    model.dispose();
  });

  it('forces a deletion only where that was asked', async () => {
    const [model, platform] = await loaded();
    const asked: string[] = [];
    platform.routes.set('DELETE models/churn/versions/2', ({ search }) => {
      asked.push(search.toString());
      return registered('churn', { versions: [version(1)] });
    });

    await model.deleteVersion('churn', 2, false);
    await model.deleteVersion('churn', 2, true);

    expect(asked).toEqual(['force=false', 'force=true']);
    expect(model.find('churn')?.versions).toHaveLength(1);
    model.dispose();
  });
});

describe('ModelWatch', () => {
  it('shows the champion first, then what is chosen, with what made it', async () => {
    const [model, platform] = await loaded();
    for (const number of [1, 2]) {
      platform.routes.set(`GET lineage/models%3Achurn%3A${number}`, () => ({
        executions: [],
        provenance: { runs: [`run-${number}`] }
      }));
    }
    platform.routes.set('GET runs/run-1', () => run());

    model.open('churn');
    expect(model.selected?.version?.version).toBe(1);
    await until(() => model.selected?.origin?.run?.number === 1);
    model.open('churn', 2);
    await until(() => model.selected?.origin?.provenance?.runs[0] === 'run-2');

    expect(model.selected?.version?.version).toBe(2);
    // The run's pipeline is gone: what lineage knows is shown all the same.
    expect(model.selected?.origin?.pipeline).toBeNull();
    expect(model.selected?.history).toEqual([moved(null, 1)]);
    model.dispose();
  });

  it('compares those with aliases and the newest, until versions are chosen', async () => {
    const [model] = await loaded([
      registered('churn', {
        versions: [1, 2, 3, 4, 5].map(number =>
          version(number, { aliases: number === 2 ? ['champion'] : [] })
        )
      })
    ]);
    model.open('churn');
    const watch = model.selected;
    const compared = () => watch?.compared.map(found => found.version);

    expect(compared()).toEqual([2, 4, 5]);
    watch?.toggleCompared(4);
    watch?.toggleCompared(1);
    expect(compared()).toEqual([1, 2, 5]);
    model.dispose();
  });
});

describe('Registration', () => {
  async function composed(given = {}): Promise<[ModelsModel, FakePlatform]> {
    const [model, platform] = await loaded();
    platform.routes.set('GET runs', () => ({
      runs: [summary(9), summary(8)],
      next: null
    }));
    platform.routes.set('GET runs/run-9/models', () => ({ models: [] }));
    platform.routes.set('GET runs/run-8/models', () => ({
      models: [{ name: 'My Churn!' }, { name: 'other' }]
    }));
    model.compose(given);
    await until(() => !!model.registration?.logged);
    return [model, platform];
  }

  it('begins with the newest run that logged a model, and names it so', async () => {
    const [model] = await composed();

    expect(model.registration?.request).toEqual({
      model: 'my-churn',
      run_id: 'run-8',
      logged_as: 'My Churn!',
      description: '',
      aliases: []
    });
    expect(model.registration?.canRegister).toBe(true);
    model.dispose();
  });

  it('keeps a name that was given, and tells of what is wrong', async () => {
    const [model] = await composed({ model: 'churn' });
    const form = model.registration;

    form?.edit({ loggedAs: 'other' });
    expect(form?.request.model).toBe('churn');
    expect(form?.existing?.name).toBe('churn');
    form?.edit({ model: 'Not So', aliases: ['No Alias'] });
    expect(form?.problems).toEqual({ model: true, aliases: true });
    form?.edit({ run: 'run-9' });
    await until(() => form?.logged?.length === 0);
    expect(form?.problems.loggedAs).toBe(true);
    expect(form?.canRegister).toBe(false);
    model.dispose();
  });

  it('shows the version it made, and what was refused in the form', async () => {
    const [model, platform] = await composed({ model: 'churn' });
    const form = model.registration;

    await form?.submit(request => model.register(request));
    expect(String(form?.error)).toContain('No models.');
    platform.routes.set('POST models', () => version(3));
    platform.routes.set('GET models/churn', () =>
      registered('churn', { versions: [version(1), version(3)] })
    );
    await form?.submit(request => model.register(request));

    expect(model.registration).toBeNull();
    expect(model.selected?.version?.version).toBe(3);
    model.dispose();
  });
});

describe('menus', () => {
  it('offer each alias where it can go', async () => {
    const [model] = await loaded();

    const onTwo = itemsOfVersion(model, 'churn', 2);
    const onOne = itemsOfVersion(model, 'churn', 1);
    const champion = itemsOfAlias(model, 'churn', 'champion');

    expect(onTwo.slice(0, 3)).toEqual([
      ['mlplat:set-alias', { model: 'churn', version: 2, alias: 'champion' }],
      ['mlplat:set-alias', { model: 'churn', version: 2, alias: 'challenger' }],
      ['mlplat:set-alias', { model: 'churn', version: 2 }]
    ]);
    expect(onOne).toContainEqual([
      'mlplat:remove-alias',
      { model: 'churn', alias: 'champion' }
    ]);
    expect(champion).toEqual([
      ['mlplat:set-alias', { model: 'churn', alias: 'champion', version: 2 }],
      null,
      ['mlplat:deploy-model', { model: 'churn', version: 'champion' }],
      ['mlplat:remove-alias', { model: 'churn', alias: 'champion' }]
    ]);
    model.dispose();
  });
});
