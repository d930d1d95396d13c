import type * as nbformat from '@jupyterlab/nbformat';

import { ROUTES } from './routes';
import type { IRoutes } from './routes';
import type {
  CompileRequest,
  EngineStatus,
  ErrorBody,
  JsonValue,
  Metric,
  OutputValue,
  Pipeline,
  RetryRequest,
  Run,
  RunPage,
  RunResult,
  RunState,
  SubmitRequest,
  VerifyReport,
  VerifyRequest
} from './types';

/** Of one metric: more than a chart has columns. */
const CURVE_POINTS = 1000;

/** Sends one request to a path below the API's root. Rejects only when nobody answers. */
export type Transport = (path: string, init: RequestInit) => Promise<Response>;

/** What can be asked of the list of runs. */
export interface IRunQuery {
  limit?: number;
  before?: string | null;
  state?: RunState | null;
  text?: string;
  notebook?: string;
}

/** What goes with a call besides its body. */
export interface ICallOptions {
  /** Parameters of the query; those without a value are left out. */
  query?: Record<string, string | number | boolean | null | undefined>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  cache?: RequestCache;
}

/** A piece of a log and where the next piece starts. */
export interface ILogPiece {
  bytes: Uint8Array;
  nextOffset: number;
  size: number;
}

/** An answer of the API that is not 2xx, or none at all (`code` is then `unreachable`). */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly status: number,
    readonly details: Record<string, JsonValue> = {}
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** Routes whose answer is text, bytes or a stream. */
const RAW_ROUTES: ReadonlySet<string> = new Set<
  {
    [K in keyof IRoutes]: IRoutes[K]['answer'] extends Response ? K : never;
  }[keyof IRoutes]
>([
  'events.watch',
  'runs.logs',
  'steps.log',
  'runs.rank_log',
  'runs.trial_log',
  'artifacts.content',
  'endpoints.log',
  'servers.logs'
]);

/** The engine's HTTP API, typed by its table of routes. Holds no state. */
export class ApiClient {
  constructor(private readonly _transport: Transport) {}

  /**
   * Call a route by its name.
   *
   * @param segments What stands for the `{x}` of its path.
   * @returns The answer as JSON; as it came for routes of text, bytes and streams.
   * @throws ApiError The answer is not 2xx, or there is none.
   */
  async call<K extends keyof IRoutes>(
    name: K,
    segments: Record<IRoutes[K]['segments'], string>,
    body?: IRoutes[K]['body'],
    options: ICallOptions = {}
  ): Promise<IRoutes[K]['answer']> {
    const [verb, pattern] = ROUTES[name];
    const path = pattern.replace(/\{(\w+)\}/g, (_, key: string) =>
      encodeURIComponent((segments as Record<string, string>)[key])
    );
    const { query = {}, headers, ...init } = options;
    const search = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined && value !== null && value !== '') {
        search.set(key, String(value));
      }
    }
    const tail = search.size > 0 ? `?${search}` : '';
    const request: RequestInit = { ...init, method: verb, headers };
    if (verb === 'POST' || verb === 'PUT' || verb === 'PATCH') {
      request.headers = { ...headers, 'Content-Type': 'application/json' };
      request.body = JSON.stringify(body ?? {});
    }
    const response = await this._send(path + tail, request);
    if (response.status === 204) {
      return undefined as IRoutes[K]['answer'];
    }
    const isRaw = RAW_ROUTES.has(name);
    return (isRaw ? response : await response.json()) as IRoutes[K]['answer'];
  }

  engine(): Promise<EngineStatus> {
    return this.call('engine.get', {});
  }

  compile(request: CompileRequest, signal?: AbortSignal): Promise<Pipeline> {
    return this.call('pipelines.compile', {}, request, { signal });
  }

  verify(request: VerifyRequest, signal?: AbortSignal): Promise<VerifyReport> {
    return this.call('pipelines.verify', {}, request, { signal });
  }

  listRuns(query: IRunQuery = {}, signal?: AbortSignal): Promise<RunPage> {
    return this.call('runs.list', {}, undefined, {
      query: { ...query },
      signal
    });
  }

  /** Submit a run. The same `key` twice gives the same run, so a repeat is harmless. */
  submit(request: SubmitRequest, key: string): Promise<Run> {
    const headers = { 'Idempotency-Key': key };
    return this.call('runs.submit', {}, request, { headers });
  }

  getRun(run: string): Promise<Run> {
    return this.call('runs.get', { run });
  }

  getResult(run: string): Promise<RunResult> {
    return this.call('runs.result', { run });
  }

  getPipeline(run: string): Promise<Pipeline> {
    return this.call('runs.pipeline', { run });
  }

  async listMetrics(run: string): Promise<Metric[]> {
    const query = { points: CURVE_POINTS };
    return (await this.call('runs.metrics', { run }, undefined, { query }))
      .metrics;
  }

  async listOutputs(run: string): Promise<OutputValue[]> {
    return (await this.call('runs.outputs', { run })).outputs;
  }

  async getNotebook(
    run: string,
    step: string
  ): Promise<nbformat.INotebookContent> {
    const content: unknown = await this.call('steps.notebook', { run, step });
    return content as nbformat.INotebookContent;
  }

  /** Read what a step wrote to one stream, from a byte offset on. */
  readLog(
    run: string,
    step: string,
    stream: 'stdout' | 'stderr' | 'order',
    offset: number,
    limit: number
  ): Promise<ILogPiece> {
    return this.readPiece(
      'steps.log',
      { run, step },
      { stream, offset, limit }
    );
  }

  /** Read a piece of a log that is kept as a file. */
  async readPiece<K extends 'steps.log' | 'runs.rank_log' | 'runs.trial_log'>(
    route: K,
    segments: Record<IRoutes[K]['segments'], string>,
    query: { stream: string; offset: number; limit: number }
  ): Promise<ILogPiece> {
    const response = await this.call(route, segments, undefined, { query });
    const { offset } = query;
    const bytes = new Uint8Array(await response.arrayBuffer());
    const size = Number(response.headers.get('X-Log-Size') ?? NaN);
    const nextOffset = offset + bytes.length;
    return {
      bytes,
      nextOffset,
      size: Number.isFinite(size) ? size : nextOffset
    };
  }

  cancel(run: string): Promise<Run> {
    return this.call('runs.cancel', { run });
  }

  retry(run: string, request: RetryRequest): Promise<Run> {
    return this.call('runs.retry', { run }, request);
  }

  deleteRun(run: string): Promise<void> {
    return this.call('runs.delete', { run });
  }

  /** Open the event stream after a sequence number; from now on without one. */
  openEvents(after: number | null, signal: AbortSignal): Promise<Response> {
    return this.call('events.watch', {}, undefined, {
      query: { after },
      headers: { Accept: 'text/event-stream' },
      cache: 'no-store',
      signal
    });
  }

  private async _send(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await this._transport(path, init);
    } catch (error) {
      if (init.signal?.aborted) {
        throw error;
      }
      throw new ApiError(
        'The Jupyter server does not answer. Check that it is still running.',
        'unreachable',
        0
      );
    }
    if (!response.ok) {
      throw await Private.errorOf(response);
    }
    return response;
  }
}

namespace Private {
  export async function errorOf(response: Response): Promise<ApiError> {
    const text = await response.text();
    try {
      const body = JSON.parse(text) as Partial<ErrorBody>;
      if (typeof body.message === 'string') {
        return new ApiError(
          body.message,
          body.code ?? 'internal',
          response.status,
          body.details
        );
      }
    } catch {
      // Not one of ours: a proxy or the Jupyter server itself answered.
    }
    const message =
      response.status === 404
        ? 'The Jupyter server has no ML platform. Enable the server extension jupyter_mlplat_server and restart Jupyter.'
        : `The Jupyter server answered ${response.status} ${response.statusText}.`;
    return new ApiError(message, 'internal', response.status);
  }
}
