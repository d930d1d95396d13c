import type { ApiClient } from '../../api/client';
import type { Parameter, Run, TrainSpec } from '../../api/types';
import { isCount, jobProblems, jobRequest, newJobDraft } from '../jobs/draft';
import type { IJobDraft, JobProblems } from '../jobs/draft';
import type { IJobKind } from '../jobs/form-model';

/** What a user fills in about the processes of a train job. */
export interface ITrainFields {
  runtime: string;
  nodes: string;

  /** Empty: one for each GPU of a node, else one. */
  processes: string;

  /** URIs of what is brought before it starts. */
  dataset: string;
  model: string;
}

/** What a user fills in for a train job. */
export interface ITrainDraft extends IJobDraft, ITrainFields {}

export const NEW_TRAIN: ITrainFields = {
  runtime: 'torch-distributed',
  nodes: '1',
  processes: '1',
  dataset: '',
  model: ''
};

export function newTrainDraft(given: Partial<ITrainDraft>): ITrainDraft {
  return { ...NEW_TRAIN, ...given, ...newJobDraft(given) };
}

/** What is wrong with what is said about processes. */
export function trainProblems(fields: ITrainFields): JobProblems {
  const found: JobProblems = {};
  if (fields.runtime.trim() === '') {
    found.runtime = 'missing';
  }
  if (!isCount(fields.nodes, 1)) {
    found.nodes = 'count';
  }
  if (fields.processes.trim() !== '' && !isCount(fields.processes, 1)) {
    found.processes = 'count';
  }
  return found;
}

export function trainSpec(fields: ITrainFields): TrainSpec {
  const broughtFrom = (uri: string) =>
    uri.trim() === '' ? null : { uri: uri.trim(), env: {} };
  return {
    runtime: fields.runtime.trim(),
    nodes: Number(fields.nodes),
    processes: fields.processes.trim() ? Number(fields.processes) : null,
    dataset: broughtFrom(fields.dataset),
    model: broughtFrom(fields.model)
  };
}

/** How train jobs are checked and begun. */
export const TRAIN: IJobKind<ITrainDraft> = {
  problemsOf: (draft: ITrainDraft, parameters: readonly Parameter[]) => ({
    ...jobProblems(draft, parameters),
    ...trainProblems(draft)
  }),
  submit: (
    client: ApiClient,
    draft: ITrainDraft,
    parameters: readonly Parameter[],
    headers: Record<string, string>
  ): Promise<Run> =>
    client.call(
      'jobs.train',
      {},
      { ...jobRequest(draft, parameters), train: trainSpec(draft) },
      { headers }
    )
};
