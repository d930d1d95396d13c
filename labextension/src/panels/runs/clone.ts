import type { CloneRequest, Parameter, Pipeline, Run } from '../../api/types';
import { problemsOf, textOf, valuesOf } from '../pipeline/parameters';
import type { ParameterProblem } from '../pipeline/parameters';

/** What is to be different in a run of the same code. */
export interface IClone {
  /** What was typed, by the name of the parameter. */
  texts: ReadonlyMap<string, string>;
  cache: boolean;
  until: string | null;

  /** Where; empty: where the run ran. */
  runOn: string;
}

/** The form as it comes up: all as it was in the run. */
export function firstClone(run: Run, pipeline: Pipeline): IClone {
  const texts = pipeline.parameters
    .filter(parameter => Object.hasOwn(run.parameters, parameter.name))
    .map((parameter): [string, string] => [
      parameter.name,
      textOf({ ...parameter, default: run.parameters[parameter.name] })
    ]);
  return {
    texts: new Map(texts),
    cache: run.cache,
    until: run.until,
    runOn: ''
  };
}

/** Read the form; a parameter that was not touched keeps its default. */
export function readClone(
  clone: IClone,
  parameters: readonly Parameter[]
): {
  request: CloneRequest;
  problems: ReadonlyMap<string, ParameterProblem>;
} {
  const { texts, cache, until, runOn } = clone;
  return {
    request: {
      parameters: valuesOf(parameters, texts),
      cache,
      until,
      ...(runOn ? { run_on: runOn } : {})
    },
    problems: problemsOf(parameters, texts)
  };
}
