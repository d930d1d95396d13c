import type {
  KindAmount,
  ServerKind,
  ServerRequest,
  ServerVolume
} from '../../api/types';
import { readEnv } from '../jobs/draft';

/** What a user fills in for a server, as the form holds it: texts, read when they are used. */
export interface IServerDraft {
  /** The cluster it is to be on. */
  place: string;
  name: string;
  kind: string;

  /** Name of one of the kind's images; `OTHER`: the one that is typed. */
  image: string;
  ownImage: string;

  /** Empty, here and below: as the kind says. */
  cpu: string;
  memory: string;

  /** Name of one of the kind's devices; empty: none. */
  gpu: string;
  gpuCount: string;
  home: string;
  volumes: readonly IVolumeDraft[];
  presets: readonly string[];

  /** Lines NAME=value. */
  env: string;
  isSpot: boolean;
  cullAfter: string;
  maxLifetime: string;
}

export interface IVolumeDraft {
  claim: string;
  mount: string;
  isWritable: boolean;
}

/** What is wrong with a draft: words for the form, by field. */
export type ServerProblem =
  | 'missing'
  | 'name'
  | 'taken'
  | 'amount'
  | 'most'
  | 'env'
  | 'mount'
  | 'duration';

export type ServerProblems = Partial<Record<string, ServerProblem>>;

/** Stands for an image that is typed. */
export const OTHER = '…';

const NAME = /^[a-z]([a-z0-9-]{0,50}[a-z0-9])?$/;
const DURATION = /^(\d+(\.\d+)?(d|h|m|s))+$/;

/** What stands in the form before anything is chosen within a kind. */
export function newServerDraft(place: string, name: string): IServerDraft {
  return {
    place,
    name,
    kind: '',
    image: '',
    ownImage: '',
    cpu: '',
    memory: '',
    gpu: '',
    gpuCount: '1',
    home: '',
    volumes: [],
    presets: [],
    env: '',
    isSpot: false,
    cullAfter: '',
    maxLifetime: ''
  };
}

/** Choose a kind: what was chosen within another one does not hold for it. */
export function withKind(draft: IServerDraft, kind: ServerKind): IServerDraft {
  const gpu = (kind.gpus ?? []).find(({ default: count }) => count > 0);
  return {
    ...newServerDraft(draft.place, draft.name),
    env: draft.env,
    volumes: kind.claims === false ? [] : draft.volumes,
    kind: kind.name,
    image: kind.images[0]?.name ?? OTHER,
    gpu: gpu?.name ?? '',
    gpuCount: String(gpu?.default ?? 1)
  };
}

/** What can be said to be wrong without asking the engine. */
export function serverProblems(
  draft: IServerDraft,
  kind: ServerKind | null,
  isTaken: boolean
): ServerProblems {
  const found: ServerProblems = {};
  if (!NAME.test(draft.name)) {
    found.name = draft.name === '' ? 'missing' : 'name';
  } else if (isTaken) {
    found.name = 'taken';
  }
  if (kind === null) {
    found.kind = 'missing';
    return found;
  }
  if (draft.image === OTHER && draft.ownImage.trim() === '') {
    found.ownImage = 'missing';
  }
  const check = (field: 'cpu' | 'memory' | 'home', most: string | null) => {
    const text = draft[field].trim();
    if (text !== '') {
      const amount = quantityOf(text);
      if (amount === null || amount <= 0) {
        found[field] = 'amount';
      } else if (most !== null && amount > (quantityOf(most) ?? Infinity)) {
        found[field] = 'most';
      }
    }
  };
  check('cpu', kind.cpu.most);
  check('memory', kind.memory.most);
  check('home', kind.home?.most ?? null);
  draft.volumes.forEach((volume, index) => {
    if (volume.claim === '') {
      found[`volumes.${index}`] = 'missing';
    } else if (!volume.mount.startsWith('/') || volume.mount.includes(':')) {
      found[`volumes.${index}`] = 'mount';
    }
  });
  if (readEnv(draft.env) === null) {
    found.env = 'env';
  }
  for (const field of ['cullAfter', 'maxLifetime'] as const) {
    const text = draft[field].trim();
    if (text !== '' && text !== 'never' && !DURATION.test(text)) {
      found[field] = 'duration';
    }
  }
  return found;
}

/** What to ask the engine for; the draft has no problem. */
export function serverRequest(draft: IServerDraft): ServerRequest {
  const given = (text: string) => text.trim() || null;
  return {
    name: draft.name,
    kind: draft.kind,
    options: {
      image: draft.image === OTHER ? given(draft.ownImage) : given(draft.image),
      resources: { cpu: given(draft.cpu), memory: given(draft.memory) },
      gpu:
        draft.gpu === ''
          ? { count: 0 }
          : { name: draft.gpu, count: Number(draft.gpuCount) },
      home: given(draft.home),
      volumes: draft.volumes.map(
        ({ claim, mount, isWritable }): ServerVolume => ({
          claim,
          mount,
          writable: isWritable
        })
      ),
      env: readEnv(draft.env) ?? {},
      presets: [...draft.presets],
      spot: draft.isSpot
    },
    cull_after: given(draft.cullAfter),
    max_lifetime: given(draft.maxLifetime)
  };
}

/** Whether users may ask for another amount than the kind's. */
export function isOpenAmount(amount: KindAmount): boolean {
  return amount.most !== null;
}

/** A quantity as Kubernetes writes it; null: it is none. */
export function quantityOf(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(m|[kMGTP]|[KMGTP]i)?$/.exec(text.trim());
  return match && Number(match[1]) * (FACTORS[match[2] ?? ''] ?? 1);
}

const FACTORS: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50
};
