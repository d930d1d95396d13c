import type {
  Endpoint,
  JsonValue,
  ModelVersion,
  TensorSpec
} from '../src/api/types';
import {
  exampleOf,
  formOf,
  inferenceBody,
  parse,
  rowOf,
  rowsOf
} from '../src/panels/endpoints/request';
import { python, quote, snippetsOf } from '../src/panels/endpoints/snippets';

// The real shell and the real Python judge what is meant for them.
const { execFileSync } = jest.requireActual<{
  execFileSync: (file: string, args: string[]) => { toString(): string };
}>('child_process');

function spec(
  name: string,
  shape: number[],
  datatype: TensorSpec['datatype'] = 'FP64'
): TensorSpec {
  return { name, shape, datatype };
}

function version(
  inputs: TensorSpec[],
  example: JsonValue = null
): ModelVersion {
  return {
    signature: { inputs, outputs: [] },
    input_example: example
  } as Partial<ModelVersion> as ModelVersion;
}

describe('formOf', () => {
  it('names the columns of a matrix by its example frame', () => {
    const form = formOf(
      version([spec('input-0', [-1, 2])], {
        columns: ['age', 'income'],
        index: [7],
        data: [[41, 2.5]]
      })
    );

    expect(form).toEqual({
      columns: [
        { name: 'age', kind: 'number' },
        { name: 'income', kind: 'number' }
      ],
      isRecords: false,
      rows: [[41, 2.5]]
    });
  });

  it('makes records of named columns, each of its type', () => {
    const inputs = [
      spec('age', [-1], 'INT64'),
      spec('city', [-1], 'BYTES'),
      spec('is_new', [-1, 1], 'BOOL')
    ];

    const form = formOf(version(inputs, [{ city: 'Bonn', age: 3 }]))!;

    expect(form.columns.map(({ kind }) => kind)).toEqual([
      'integer',
      'text',
      'boolean'
    ]);
    expect(rowOf(form, form.rows[0])).toEqual({
      age: 3,
      city: 'Bonn',
      is_new: null
    });
  });

  it('begins with typed zeros where there is no example', () => {
    const inputs = [spec('age', [-1], 'INT64'), spec('city', [-1], 'BYTES')];

    expect(formOf(version(inputs))?.rows).toEqual([[0, '']]);
    expect(formOf(version([spec('x', [-1, 3])]))?.rows).toEqual([[0, 0, 0]]);
  });

  it('reads the form of rows without a signature from the example', () => {
    expect(formOf(version([], [[1, 'a']]))?.columns).toEqual([
      { name: '[0]', kind: 'number' },
      { name: '[1]', kind: 'text' }
    ]);
  });

  it.each([
    ['pictures', version([spec('image', [-1, 28, 28])])],
    ['wide tables', version([spec('x', [-1, 1000])])],
    ['nothing known', version([])]
  ])('leaves %s to JSON', (_, found) => {
    expect(formOf(found)).toBeNull();
  });

  it('gives the example as rows to the JSON editor', () => {
    const frame = { columns: ['a', 'b'], index: [0], data: [[1, 2]] };

    expect(exampleOf(version([spec('x', [-1, 2])], frame))).toEqual([[1, 2]]);
    expect(exampleOf(version([], [5, 6]))).toEqual([5, 6]);
    expect(exampleOf(null)).toEqual([]);
  });
});

describe('parse', () => {
  it.each([
    ['number', '1.5', { value: 1.5 }],
    ['number', ' ', { value: null }],
    ['number', '1e400', { problem: 'not-a-number' }],
    ['integer', '7', { value: 7 }],
    ['integer', '7.5', { problem: 'not-an-integer' }],
    ['integer', '9007199254740993', { problem: 'not-an-integer' }],
    ['boolean', 'true', { value: true }],
    ['text', ' a ', { value: ' a ' }]
  ] as const)('%s %j', (kind, text, expected) => {
    expect(parse({ name: 'x', kind }, text)).toEqual(expected);
  });
});

describe('inferenceBody', () => {
  it('makes a tensor of rows', () => {
    expect(
      inferenceBody(
        [spec('x', [-1, 2])],
        [
          [1, 2],
          [3, 4]
        ]
      )
    ).toEqual({
      inputs: [
        { name: 'x', datatype: 'FP64', shape: [2, 2], data: [1, 2, 3, 4] }
      ]
    });
  });

  it('makes a tensor of each column of records', () => {
    const specs = [spec('a', [-1]), spec('b', [-1, 1], 'BYTES')];

    expect(
      inferenceBody(specs, [
        { a: 1, b: 'x' },
        { a: 2, b: 'y' }
      ])
    ).toEqual({
      inputs: [
        { name: 'a', datatype: 'FP64', shape: [2], data: [1, 2] },
        { name: 'b', datatype: 'BYTES', shape: [2, 1], data: ['x', 'y'] }
      ]
    });
  });

  it.each([
    ['ragged rows', [spec('x', [-1, 2])], [[1, 2], [3]]],
    [
      'records that lack a column',
      [spec('a', [-1]), spec('b', [-1])],
      [{ a: 1 }]
    ],
    ['no signature', [], [[1]]]
  ] as [string, TensorSpec[], JsonValue[]][])(
    'does not guess for %s',
    (_, specs, rows) => {
      expect(inferenceBody(specs, rows)).toBeNull();
    }
  );
});

it('takes one row or record as one, as the engine does', () => {
  expect(rowsOf([1, 'a'])).toEqual([[1, 'a']]);
  expect(rowsOf({ a: 1 })).toEqual([{ a: 1 }]);
  expect(rowsOf([[1], [2]])).toEqual([[1], [2]]);
});

describe('snippets', () => {
  const HOSTILE = `'; touch /tmp/x; '$(id)\`id\`\n"\\ \u2028 é`;

  it('survive any text in a POSIX shell', () => {
    const echoed = execFileSync('sh', ['-c', `printf %s ${quote(HOSTILE)}`]);

    expect(echoed.toString()).toBe(HOSTILE);
  });

  it('are literals of Python that mean the same', () => {
    const value = { [HOSTILE]: [HOSTILE, null, true, false, 1.5, -0.001] };
    const code = `import json; print(json.dumps(${python(value)}))`;

    const printed = execFileSync('python3', ['-c', code]).toString();

    expect(JSON.parse(printed)).toEqual(value);
  });

  it('ask by tensors, by the client and through Jupyter', () => {
    const snippets = snippetsOf({
      endpoint: {
        name: 'churn',
        url: 'http://127.0.0.1:4711'
      } as Partial<Endpoint> as Endpoint,
      specs: [spec('x', [-1, 2])],
      inputs: [[1, null]],
      apiUrl: 'https://hub/user/ann/mlplat/api/v1'
    });
    const code = Object.fromEntries(snippets.map(({ id, code }) => [id, code]));

    expect(code.curl).toBe(
      [
        "curl -sS -X POST 'http://127.0.0.1:4711/v2/models/churn/infer' \\",
        "  -H 'Content-Type: application/json' \\",
        `  -d '{"inputs":[{"name":"x","datatype":"FP64","shape":[1,2],"data":[1,null]}]}'`
      ].join('\n')
    );
    expect(code.client).toContain(
      'mlplat.endpoint("churn")\nendpoint.predict([[1, None]])'
    );
    expect(code.jupyter).toContain(
      `'https://hub/user/ann/mlplat/api/v1/endpoints/churn/predict' \\\n  -H "Authorization: token $JUPYTER_TOKEN"`
    );
  });

  it('fall back to rows where no signature says how they are tensors', () => {
    const [curl] = snippetsOf({
      endpoint: { name: 'm', url: 'http://h' } as Partial<Endpoint> as Endpoint,
      specs: [],
      inputs: [{ text: "it's" }],
      apiUrl: ''
    });

    expect(curl.code).toContain(`'http://h/v1/models/m:predict'`);
    expect(curl.code).toContain(`-d '{"instances":[{"text":"it'\\''s"}]}'`);
  });
});
