import type { Revision } from '../src/api/types';
import { EndpointLogModel } from '../src/panels/endpoints/log-model';
import { StatsModel } from '../src/panels/endpoints/stats';
import { TryModel } from '../src/panels/endpoints/try-model';
import { FakePlatform, until } from './platform';

const REVISION = {
  number: 1,
  model: 'm',
  version: 3
} as Partial<Revision> as Revision;

async function shown(
  version: object | null = {
    signature: {
      inputs: [{ name: 'x', datatype: 'FP64', shape: [-1, 2] }],
      outputs: []
    },
    input_example: [
      [1, 2],
      [3, 4]
    ]
  }
): Promise<[TryModel, FakePlatform]> {
  const platform = new FakePlatform();
  if (version) {
    platform.routes.set('GET models/m/versions/3', () => version);
  }
  const model = new TryModel(platform.client, 'e');
  await model.show(REVISION);
  return [model, platform];
}

describe('TryModel', () => {
  it('begins with the first example row and can take another', async () => {
    const [model] = await shown();
    expect(model.inputs).toEqual([[1, 2]]);

    model.useRow(1);

    expect(model.inputs).toEqual([[3, 4]]);
  });

  it('says which field is no value, and sends nothing then', async () => {
    const [model, platform] = await shown();

    model.setText(1, 'many');
    await model.send();

    expect([...model.problems]).toEqual([[1, 'not-a-number']]);
    expect(model.inputs).toBeUndefined();
    expect(platform.requests.some(({ method }) => method === 'POST')).toBe(
      false
    );
  });

  it('shows who answered what', async () => {
    const [model, platform] = await shown();
    const answer = { outputs: [0], revision: 1, duration_s: 0.003 };
    platform.routes.set('POST endpoints/e/predict', () => answer);

    await model.send();

    expect(model.answer).toEqual(answer);
    expect(platform.requests.pop()?.body).toEqual({ inputs: [[1, 2]] });
  });

  it('keeps what was typed when the engine refuses it', async () => {
    const [model] = await shown();
    model.setText(0, '9');

    await model.send();

    expect(model.error).not.toBeNull();
    expect(model.texts[0]).toBe('9');
    expect(model.isBusy).toBe(false);
  });

  it('takes values along to JSON', async () => {
    const [model] = await shown();
    model.setText(0, '9');

    model.setIsJson(true);
    expect(model.inputs).toEqual([[9, 2]]);

    model.setJson('[[');
    expect(model.inputs).toBeUndefined();
  });

  it('still takes JSON when the version was deleted', async () => {
    const [model] = await shown(null);

    expect(model.isJson).toBe(true);
    expect(model.isLoading).toBe(false);
    expect(model.inputs).toEqual([]);
  });
});

describe('EndpointLogModel', () => {
  it('shows the end of a log, follows it, and begins anew with a new one', async () => {
    const platform = new FakePlatform();
    let log = 'one\ntw';
    platform.routes.set('GET endpoints/e/log', ({ search }) => {
      const offset = Number(search.get('offset') ?? 0);
      return new Response(log.slice(offset), {
        headers: { 'X-Log-Size': String(log.length) }
      });
    });
    const model = new EndpointLogModel(platform.client, 'e', 1);
    const texts = () => model.lines.map(({ text }) => text);

    await until(() => model.lines.length === 2);
    expect(texts()).toEqual(['one', 'tw']);

    log += 'o\nthree\n';
    await until(() => model.lines.length === 3);
    expect(texts()).toEqual(['one', 'two', 'three']);

    log = 'new\n';
    await until(() => model.lines.length === 1);
    expect(texts()).toEqual(['new']);
    model.dispose();
  });

  it('keeps the newest lines only', async () => {
    const platform = new FakePlatform();
    platform.routes.set(
      'GET endpoints/e/log',
      () => new Response('1\n2\n3\n', { headers: { 'X-Log-Size': '6' } })
    );
    const model = new EndpointLogModel(platform.client, 'e', null, 2);

    await until(() => model.lines.length === 2);

    expect(model.lines[0]).toMatchObject({ number: 2, text: '2' });
    expect(model.droppedLines).toBe(1);
    model.dispose();
  });
});

describe('StatsModel', () => {
  it('asks only for what is looked at, and forgets what cannot be told', async () => {
    const platform = new FakePlatform();
    platform.routes.set('GET endpoints/a/stats', () => ({ rps: 2 }));
    const model = new StatsModel(platform.client);

    await model.read(['a', 'gone']);

    expect(model.of('a')).toEqual({ rps: 2 });
    expect(model.of('gone')).toBeNull();

    platform.requests.length = 0;
    const following = model.follow(() => [], 5);
    await new Promise(resolve => setTimeout(resolve, 50));
    following.dispose();

    expect(platform.requests).toEqual([]);
  });

  it('asks many endpoints in turns', async () => {
    const platform = new FakePlatform();
    const names = Array.from({ length: 25 }, (_, i) => `e${i}`);
    const model = new StatsModel(platform.client);
    let reads = 0;
    model.changed.connect(() => {
      reads += 1;
    });

    const following = model.follow(() => names, 5);
    await until(() => reads >= 3);
    following.dispose();

    const asked = platform.requests.slice(0, 25).map(({ path }) => path);
    expect(asked).toEqual(names.map(name => `endpoints/${name}/stats`));
  });
});
