import type {
  CloneRequest,
  JsonValue,
  Parameter,
  Pipeline,
  Run
} from '../../api/types';
import { parse, textOf } from '../pipeline/parameters';
import type { ParameterProblem } from '../pipeline/parameters';

/** What is to be different in a run of the same code. */
export interface IClone {
  /** What was typed, by the name of the parameter. */
  texts: ReadonlyMap<string, string>;
  cache: boolean;
  until: string | null;
}

/** The form as it comes up: all as it was in the run. */
export function firstClone(run: Run, pipeline: Pipeline): IClone {
  const texts = pipeline.parameters
    .filter(parameter => Object.hasOwn(run.parameters, parameter.name))
    .map((parameter): [string, string] => [
      parameter.name,
      textOf({ ...parameter, default: run.parameters[parameter.name] })
    ]);
  return { texts: new Map(texts), cache: run.cache, until: run.until };
}

/** Read the form; a parameter that was not touched keeps its default. */
export function readClone(
  clone: IClone,
  parameters: readonly Parameter[]
): { request: CloneRequest; problems: Map<string, ParameterProblem> } {
  const given: Record<string, JsonValue> = {};
  const problems = new Map<string, ParameterProblem>();
  for (const parameter of parameters) {
    const text = clone.texts.get(parameter.name);
    if (text !== undefined) {
      const parsed = parse(parameter, text);
      if ('problem' in parsed) {
        problems.set(parameter.name, parsed.problem);
      } else {
        given[parameter.name] = parsed.value;
      }
    }
  }
  const { cache, until } = clone;
  return { request: { parameters: given, cache, until }, problems };
}
