import type { Endpoint, ModelVersion, RegisteredModel } from '../src/api/types';
import { DeployModel } from '../src/panels/endpoints/deploy-model';
import type { IDeployDraft } from '../src/panels/endpoints/deploy-model';
import { FakePlatform, TIME } from './platform';

function version(
  number: number,
  rest: Partial<ModelVersion> = {}
): ModelVersion {
  return {
    model: 'churn',
    version: number,
    format: 'sklearn',
    created_at: TIME,
    ...rest
  } as ModelVersion;
}

const CHURN = {
  name: 'churn',
  latest_version: 2,
  aliases: { champion: 1 },
  versions: [version(1), version(2)]
} as Partial<RegisteredModel> as RegisteredModel;

const RISKY = {
  name: 'risky',
  latest_version: 1,
  aliases: {},
  versions: [version(1, { model: 'risky', format: 'pickle' })]
} as Partial<RegisteredModel> as RegisteredModel;

const SERVED = {
  name: 'churn',
  state: 'READY',
  traffic: [{ revision: 1, percent: 100 }],
  revisions: []
} as Partial<Endpoint> as Endpoint;

async function form(
  given: Partial<IDeployDraft>,
  endpoints: Endpoint[] = [],
  models = [RISKY, CHURN]
): Promise<[DeployModel, FakePlatform]> {
  const platform = new FakePlatform();
  platform.routes.set('GET models', () => ({ models }));
  const model = new DeployModel(platform.connection, () => endpoints, given);
  await model.loaded;
  return [model, platform];
}

describe('DeployModel', () => {
  it('offers the latest version, the aliases and each version', async () => {
    const [model] = await form({ model: 'churn' });

    expect(
      model.choices.map(({ reference, version }) => [
        reference,
        version.version
      ])
    ).toEqual([
      ['', 2],
      ['@champion', 1],
      ['/2', 2],
      ['/1', 1]
    ]);
  });

  it('chooses the model where there is one only', async () => {
    const [model] = await form({}, [], [CHURN]);

    expect(model.version?.version).toBe(2);
    expect(model.canDeploy).toBe(true);
  });

  it('gives a new endpoint all traffic and a further revision a little', async () => {
    const [alone] = await form({ model: 'churn', reference: '@champion' });
    const [beside] = await form({ model: 'churn' }, [SERVED]);

    expect(alone.request).toEqual({
      model: 'churn@champion',
      name: 'churn',
      traffic: 100,
      trust_pickle: false,
      wait_s: 0
    });
    expect(beside.request).toMatchObject({ model: 'churn', traffic: 10 });
  });

  it('runs no code of a model without being told to, for each version anew', async () => {
    const [model] = await form({ model: 'risky' });
    expect(model.problems).toEqual({ isTrusted: 'not-trusted' });

    model.edit({ isTrusted: true });
    expect(model.canDeploy).toBe(true);
    expect(model.request.trust_pickle).toBe(true);

    model.edit({ reference: '/1' });
    expect(model.canDeploy).toBe(false);
  });

  it.each([
    [{ model: 'churn', endpoint: 'Not A Name' }, { endpoint: 'bad-name' }],
    [{ model: 'gone' }, { model: 'unknown' }],
    [{ model: 'churn', reference: '/9' }, { reference: 'unknown' }],
    [{}, { model: 'missing' }]
  ])('%j: %j', async (given, problems) => {
    const [model] = await form(given);

    expect(model.problems).toEqual(problems);
    expect(model.canDeploy).toBe(false);
  });

  it('keeps what was filled in when the engine refuses', async () => {
    const [model, platform] = await form({ model: 'churn' });
    platform.routes.set(
      'POST endpoints',
      () =>
        new Response('{"code":"x","message":"Port taken."}', { status: 409 })
    );

    expect(await model.deploy()).toBeNull();

    expect(String(model.error)).toBe('ApiError: Port taken.');
    expect(model.draft.model).toBe('churn');
    expect(model.isBusy).toBe(false);
  });
});
