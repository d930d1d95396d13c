import type * as nbformat from '@jupyterlab/nbformat';

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
  RunResult,
  RunState,
  RunSummary,
  SubmitRequest,
  VerifyReport,
  VerifyRequest
} from './types';

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

/** One page of runs, newest first; `next` asks for the one after it. */
export interface IRunPage {
  runs: RunSummary[];
  next: string | null;
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

/** The engine's HTTP API, typed. Holds no state. */
export class ApiClient {
  constructor(private readonly _transport: Transport) {}

  engine(): Promise<EngineStatus> {
    return this._json('engine');
  }

  compile(request: CompileRequest, signal?: AbortSignal): Promise<Pipeline> {
    return this._json('compile', Private.post(request, { signal }));
  }

  verify(request: VerifyRequest, signal?: AbortSignal): Promise<VerifyReport> {
    return this._json('verify', Private.post(request, { signal }));
  }

  listRuns(query: IRunQuery = {}, signal?: AbortSignal): Promise<IRunPage> {
    const search = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined && value !== null && value !== '') {
        search.set(key, String(value));
      }
    }
    return this._json(`runs?${search}`, { signal });
  }

  /** Submit a run. The same `key` twice gives the same run, so a repeat is harmless. */
  submit(request: SubmitRequest, key: string): Promise<Run> {
    return this._json(
      'runs',
      Private.post(request, { headers: { 'Idempotency-Key': key } })
    );
  }

  getRun(run: string): Promise<Run> {
    return this._json(Private.run(run));
  }

  getResult(run: string): Promise<RunResult> {
    return this._json(`${Private.run(run)}/result`);
  }

  getPipeline(run: string): Promise<Pipeline> {
    return this._json(`${Private.run(run)}/pipeline`);
  }

  async listMetrics(run: string): Promise<Metric[]> {
    const answer = await this._json<{ metrics: Metric[] }>(
      `${Private.run(run)}/metrics`
    );
    return answer.metrics;
  }

  async listOutputs(run: string): Promise<OutputValue[]> {
    const answer = await this._json<{ outputs: OutputValue[] }>(
      `${Private.run(run)}/outputs`
    );
    return answer.outputs;
  }

  getNotebook(run: string, step: string): Promise<nbformat.INotebookContent> {
    return this._json(`${Private.step(run, step)}/notebook`);
  }

  /** Read what a step wrote to one stream, from a byte offset on. */
  async readLog(
    run: string,
    step: string,
    stream: 'stdout' | 'stderr',
    offset: number,
    limit: number
  ): Promise<ILogPiece> {
    const search = new URLSearchParams({
      stream,
      offset: String(offset),
      limit: String(limit)
    });
    const response = await this._send(
      `${Private.step(run, step)}/log?${search}`,
      {}
    );
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
    return this._json(`${Private.run(run)}/cancel`, Private.post({}));
  }

  retry(run: string, request: RetryRequest): Promise<Run> {
    return this._json(`${Private.run(run)}/retry`, Private.post(request));
  }

  async deleteRun(run: string): Promise<void> {
    await this._send(Private.run(run), { method: 'DELETE' });
  }

  /** Open the event stream after a sequence number; from now on without one. */
  openEvents(after: number | null, signal: AbortSignal): Promise<Response> {
    const search = after === null ? '' : `?after=${after}`;
    return this._send(`events${search}`, {
      signal,
      cache: 'no-store',
      headers: { Accept: 'text/event-stream' }
    });
  }

  private async _json<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await this._send(path, init);
    return (await response.json()) as T;
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
  export function run(run: string): string {
    return `runs/${encodeURIComponent(run)}`;
  }

  export function step(run: string, step: string): string {
    return `${Private.run(run)}/steps/${encodeURIComponent(step)}`;
  }

  export function post(body: object, init: RequestInit = {}): RequestInit {
    return {
      ...init,
      method: 'POST',
      headers: { ...init.headers, 'Content-Type': 'application/json' },
      body: JSON.stringify(body)
    };
  }

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
