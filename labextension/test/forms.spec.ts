import {
  formatAge,
  formatBytes,
  formatDuration,
  formatNumber
} from '../src/components/format';
import { ServerPaths } from '../src/notebook/paths';
import { check, formOf, metadataOf } from '../src/notebook/settings';
import type { IStepForm } from '../src/notebook/settings';
import {
  dataOf,
  parse,
  problemsOf,
  schemaOf,
  textOf,
  textsBetween,
  valuesOf
} from '../src/panels/pipeline/parameters';
import type { JsonValue } from '../src/api/types';
import { TIME, parameter, step } from './platform';

const FORM: IStepForm = formOf('train', step('train').settings);

describe('step settings', () => {
  it('write only what differs from the defaults', () => {
    expect(metadataOf(FORM)).toEqual({ step: 'train' });
    expect(
      metadataOf({
        ...FORM,
        cpu: '2',
        memory: '4Gi',
        cache: false,
        timeout: '60'
      })
    ).toEqual({
      step: 'train',
      cpu: 2,
      memory: '4Gi',
      cache: false,
      timeout_s: 60
    });
  });

  it('show a size in the largest unit that divides it', () => {
    const { settings } = step('train');
    const resources = { ...settings.resources, memory_bytes: 3 * 2 ** 29 };

    expect(formOf('train', { ...settings, resources }).memory).toBe('1536Mi');
  });

  it.each([
    [{ name: 'Train It' }, { name: 'bad-name' }],
    [{ name: 'load' }, { name: 'name-taken' }],
    [{ cpu: '0' }, { cpu: 'not-positive' }],
    [{ memory: 'much' }, { memory: 'not-a-size' }],
    [{ gpu: '1.5' }, { gpu: 'not-gpus' }],
    [{ gpu: '0.001' }, { gpu: 'not-gpus' }],
    [{ retries: '-1' }, { retries: 'not-a-count' }],
    [{ timeout: 'soon' }, { timeout: 'not-positive' }],
    [{ memory: '512Mi', timeout: '' }, {}]
  ])('%j: %j', (change, problems) => {
    expect(check({ ...FORM, ...change }, new Set(['load']))).toEqual(problems);
  });
});

describe('parameters', () => {
  it.each([
    ['int', '12', { value: 12 }],
    ['int', '1.5', { problem: 'not-an-integer' }],
    ['float', '1e-3', { value: 0.001 }],
    ['float', '', { problem: 'not-a-number' }],
    ['str', ' as is ', { value: ' as is ' }],
    ['bool', 'true', { value: true }],
    ['list', '[1, 2]', { value: [1, 2] }],
    ['list', '{}', { problem: 'not-a-list' }],
    ['dict', '[]', { problem: 'not-an-object' }],
    ['dict', '{', { problem: 'not-json' }],
    ['any', '', { value: null }]
  ] as const)('%s %j', (type, text, expected) => {
    expect(parse(parameter(type), text)).toEqual(expected);
  });

  it.each([
    ['str', 'quoted', 'quoted'],
    ['int', 7, '7'],
    ['list', [1], '[1]'],
    ['none', null, '']
  ] as const)('%s %j shows as %j', (type, value, text) => {
    expect(textOf(parameter(type, { default: value as JsonValue }))).toBe(text);
  });
});

describe('the form of parameters', () => {
  const parameters = [
    parameter('int', { name: 'trees', default: 100 }),
    parameter('dict', { name: 'grid', default: { a: 1 } }),
    parameter('str', { name: 'kind', default: 'a', choices: ['a', 'b'] }),
    parameter('any', { name: 'level', default: 1, choices: ['no', 1] }),
    parameter('str', { name: 'bucket', is_required: true })
  ];

  it('has a field of its type for each, and choices where there are some', () => {
    expect(schemaOf(parameters).properties).toEqual({
      trees: { title: 'trees', type: 'integer' },
      grid: { title: 'grid', type: 'string' },
      kind: { title: 'kind', enum: ['a', 'b'], default: 'a' },
      level: { title: 'level', enum: ['no', 1], default: 1 },
      bucket: { title: 'bucket', type: 'string' }
    });
    expect(dataOf(parameters, new Map([['trees', 'many']]))).toEqual({
      trees: 'many',
      grid: '{"a":1}',
      kind: 'a',
      level: 1
    });
  });

  it('says what is wrong, and gives what can be read', () => {
    const texts = new Map([
      ['trees', '7'],
      ['grid', '['],
      ['kind', 'c'],
      ['level', '"no"']
    ]);

    expect([...problemsOf(parameters, texts)]).toEqual([
      ['grid', 'not-json'],
      ['kind', 'not-a-choice'],
      ['bucket', 'missing']
    ]);
    expect(valuesOf(parameters, texts)).toEqual({ trees: 7, level: 'no' });
  });

  it('takes over what was changed in it, and nothing else', () => {
    const before = dataOf(parameters, new Map());

    expect(
      textsBetween(parameters, before, {
        ...before,
        trees: undefined as never,
        kind: 'b',
        level: 'no',
        bucket: 's3'
      })
    ).toEqual([
      ['trees', ''],
      ['kind', 'b'],
      ['level', '"no"'],
      ['bucket', 's3']
    ]);
  });
});

describe('formats', () => {
  it.each([
    [0.0042, '4ms'],
    [0.72, '0.7s'],
    [59.9, '59.9s'],
    [72, '1m 12s'],
    [7384, '2h 3m'],
    [200000, '2d 8h']
  ])('%d s is %s', (seconds, text) => {
    expect(formatDuration(seconds, 'en')).toBe(text);
  });

  it.each([
    [5, 'now'],
    [42, '42s ago'],
    [200, '3m ago'],
    [90000, 'yesterday']
  ])('%d s ago is %s', (seconds, text) => {
    const now = Date.parse(TIME) + 1000 * seconds;
    expect(formatAge(TIME, now, 'en')).toBe(text);
  });

  it('keeps numbers short', () => {
    expect(formatBytes(1536, 'en')).toBe('1.5 KiB');
    expect(formatNumber(0.99471234, 'en')).toBe('0.99471');
    expect(formatNumber(-0.0000091661, 'en')).toBe('-9.1661E-6');
    expect(formatNumber(123456, 'en')).toBe('123,460');
    expect(formatNumber(0, 'en')).toBe('0');
  });
});

describe('ServerPaths', () => {
  const paths = new ServerPaths('/srv/', path => path.replace(/^RTC:/, ''));

  it('names a file on the machine', () => {
    expect(paths.absolute('RTC:a/b.ipynb')).toBe('/srv/a/b.ipynb');
  });

  it('knows what lies outside of the root', () => {
    expect(paths.relative('/srv/a/b.ipynb')).toBe('a/b.ipynb');
    expect(paths.relative('/tmp/b.ipynb')).toBeNull();
  });
});
