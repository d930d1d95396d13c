import type { Endpoint, JsonValue, TensorSpec } from '../../api/types';
import { inferenceBody, rowsOf } from './request';

/** A piece of a program that asks an endpoint. */
export interface ISnippet {
  id: 'curl' | 'python' | 'client' | 'jupyter';
  code: string;
}

/** How other programs ask for these rows: each piece can be pasted as it is. */
export function snippetsOf(options: {
  endpoint: Endpoint;
  specs: readonly TensorSpec[];
  inputs: JsonValue;

  /** Base URL of the platform's API on the Jupyter server. */
  apiUrl: string;
}): ISnippet[] {
  const { endpoint, specs, apiUrl } = options;
  const rows = rowsOf(options.inputs);
  const [url, body] = requestOf(endpoint, specs, rows);
  const name = encodeURIComponent(endpoint.name);
  return [
    { id: 'curl', code: curl(url, body) },
    {
      id: 'python',
      code: [
        'import json',
        'import urllib.request',
        '',
        `body = ${python(body)}`,
        'request = urllib.request.Request(',
        `    ${python(url)},`,
        '    json.dumps(body).encode(),',
        '    {"Content-Type": "application/json"},',
        ')',
        'with urllib.request.urlopen(request) as response:',
        '    print(json.load(response))'
      ].join('\n')
    },
    {
      id: 'client',
      code: [
        'import jupyter_mlplat as mlplat',
        '',
        `endpoint = mlplat.endpoint(${python(endpoint.name)})`,
        `endpoint.predict(${python(rows)})`
      ].join('\n')
    },
    {
      id: 'jupyter',
      code: curl(
        `${apiUrl}/endpoints/${name}/predict`,
        { inputs: rows },
        // In double quotes: the shell puts the token in.
        '"Authorization: token $JUPYTER_TOKEN"'
      )
    }
  ];
}

/** Where to send rows and in which form: tensors where the signature says how, else V1. */
function requestOf(
  endpoint: Endpoint,
  specs: readonly TensorSpec[],
  rows: JsonValue[]
): [string, JsonValue] {
  const name = encodeURIComponent(endpoint.name);
  const tensors = inferenceBody(specs, rows);
  return tensors
    ? [`${endpoint.url}/v2/models/${name}/infer`, tensors]
    : [`${endpoint.url}/v1/models/${name}:predict`, { instances: rows }];
}

function curl(url: string, body: JsonValue, header?: string): string {
  return [
    `curl -sS -X POST ${quote(url)}`,
    ...(header ? [`-H ${header}`] : []),
    `-H 'Content-Type: application/json'`,
    `-d ${quote(JSON.stringify(body))}`
  ].join(' \\\n  ');
}

/** Quote for a POSIX shell: nothing inside single quotes means anything but themselves. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Write a value as a Python literal. */
export function python(value: JsonValue): string {
  if (value === null) {
    return 'None';
  }
  if (typeof value === 'boolean') {
    return value ? 'True' : 'False';
  }
  if (Array.isArray(value)) {
    return `[${value.map(python).join(', ')}]`;
  }
  if (typeof value === 'object') {
    const items = Object.entries(value).map(
      ([key, item]) => `${python(key)}: ${python(item)}`
    );
    return `{${items.join(', ')}}`;
  }
  // A JSON text is a Python one: its escapes mean the same there.
  return JSON.stringify(value);
}
