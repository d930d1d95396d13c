import type { TranslationBundle } from '@jupyterlab/translation';

import type { KindGpu, PlacedServer } from '../../api/types';
import { formatUntil } from '../schedules/times';

/** What tells a server from all others: two clusters may have one of the same name. */
export function keyOf(server: Pick<PlacedServer, 'place' | 'name'>): string {
  return `${server.place}/${server.name}`;
}

/** How a server is, as far as its mark and its name go. */
export type ServerLook =
  | 'starting'
  | 'waiting'
  | 'running'
  | 'stopping'
  | 'deleting'
  | 'stopped'
  | 'failed';

export function lookOf(server: PlacedServer): ServerLook {
  switch (server.state) {
    case 'PENDING':
      return server.reason.startsWith('Waiting') ? 'waiting' : 'starting';
    case 'RUNNING':
      return 'running';
    case 'STOPPING':
      return server.reason === 'Deleting' ? 'deleting' : 'stopping';
    case 'STOPPED':
      return 'stopped';
    case 'FAILED':
      return 'failed';
  }
}

/** The name of a look for people. */
export function lookName(trans: TranslationBundle, look: ServerLook): string {
  switch (look) {
    case 'starting':
      return trans.__('Starting');
    case 'waiting':
      return trans.__('Waiting');
    case 'running':
      return trans.__('Running');
    case 'stopping':
      return trans.__('Stopping');
    case 'deleting':
      return trans.__('Deleting');
    case 'stopped':
      return trans.__('Stopped');
    case 'failed':
      return trans.__('Failed');
  }
}

/** What one does next with a server as it is; null: nothing but to wait, or to see what is wrong. */
export function nextOf(
  server: PlacedServer
): 'enter' | 'start' | 'wake' | null {
  switch (server.state) {
    case 'RUNNING':
      return addressOf(server) === null ? null : 'enter';
    case 'STOPPED':
      return server.reason === 'Culled' ? 'wake' : 'start';
    default:
      return null;
  }
}

/** Whether a server holds, or is to be given, what stopping it gives back. */
export function canStop({ state }: PlacedServer): boolean {
  return state === 'PENDING' || state === 'RUNNING' || state === 'FAILED';
}

/** Where a server is reached; null: nowhere, or at no address that a browser should follow. */
export function addressOf({ address }: PlacedServer): string | null {
  if (!address) {
    return null;
  }
  try {
    const { protocol, href } = new URL(address);
    return protocol === 'https:' || protocol === 'http:' ? href : null;
  } catch {
    return null;
  }
}

/** The GPUs of a server: `2 × NVIDIA GPU`; empty: none. */
export function gpuText(
  trans: TranslationBundle,
  { gpu }: PlacedServer
): string {
  return gpu
    ? trans.__('%1 × %2', gpu.count, deviceName(trans, gpu.resource))
    : '';
}

/** What users choose a kind's devices by. */
export function gpuTitle(trans: TranslationBundle, gpu: KindGpu): string {
  return gpu.title || `${gpu.name} (${deviceName(trans, gpu.resource)})`;
}

/** A device for people, from the name of its resource. */
export function deviceName(trans: TranslationBundle, resource: string): string {
  const [vendor, device = ''] = resource.split('/');
  const maker = MAKERS[vendor];
  if (maker === undefined) {
    return resource;
  }
  return device === 'gpu'
    ? trans.__('%1 GPU', maker)
    : `${maker} ${device.replace(/^mig-/, 'MIG ')}`;
}

/** When a server will be stopped by itself. */
export interface ICountdown {
  text: string;
  at: string;

  /** Its user is warned. */
  isSoon: boolean;
}

/** The next time at which a running server is stopped by itself; null: none is planned. */
export function countdownOf(
  trans: TranslationBundle,
  server: PlacedServer,
  nowMs: number
): ICountdown | null {
  const { culls_at: cull, ends_at: end } = server;
  const at = [cull, end]
    .filter(time => time !== null)
    .sort((a, b) => Date.parse(a) - Date.parse(b))[0];
  if (server.state !== 'RUNNING' || at === undefined) {
    return null;
  }
  const until = formatUntil(at, nowMs);
  return {
    at,
    isSoon: server.warned_at !== null || Date.parse(at) - nowMs < SOON_MS,
    text:
      at === cull
        ? trans.__('Stops %1 if it stays idle', until)
        : trans.__('Stops %1: its time is over', until)
  };
}

/** How a server without an address is reached: what one types where kubectl is. */
export function forwardCommand(server: PlacedServer): string {
  return `kubectl -n ${server.profile} port-forward service/${server.name} 8888:80`;
}

const MAKERS: Readonly<Record<string, string>> = {
  'nvidia.com': 'NVIDIA',
  'amd.com': 'AMD',
  'gpu.intel.com': 'Intel',
  'habana.ai': 'Gaudi'
};

const SOON_MS = 10 * 60_000;
