import { UseSignal } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { THIS_MACHINE } from '../api/places';
import type { Places } from '../api/places';
import type { Place } from '../api/types';
import { useTrans } from './context';
import { SelectField } from './field';

/** Where something is to run. Not there as long as there is this machine only. */
export function RunOn(props: {
  places: Places;

  /** Empty: where it runs if nobody says. */
  value: string;

  /** Where that is; by default what the engine's settings say. */
  usual?: string;
  onChange: (place: string) => void;
}): JSX.Element {
  const { places, value } = props;
  const trans = useTrans();
  React.useEffect(() => void places.load(), [places]);
  return (
    <UseSignal signal={places.changed}>
      {() => {
        if (!places.isChoice && value === '') {
          return null;
        }
        const usual =
          props.usual ??
          places.all.find(({ is_default }) => is_default)?.name ??
          THIS_MACHINE;
        const name = value || usual;
        const chosen = places.all.find(place => place.name === name);
        return (
          <div className="jp-mlplat-RunOn">
            <SelectField
              name="run-on"
              label={trans.__('Run on')}
              value={name}
              choices={choicesOf(trans, places.all, name)}
              help={chosen?.image || undefined}
              problem={chosen?.answers === false ? chosen.problem : null}
              onChange={place => props.onChange(place === usual ? '' : place)}
            />
          </div>
        );
      }}
    </UseSignal>
  );
}

/** The name of a place for people. */
export function placeName(trans: TranslationBundle, place: string): string {
  return place === THIS_MACHINE ? trans.__('This machine') : place;
}

function choicesOf(
  trans: TranslationBundle,
  places: readonly Place[],
  chosen: string
): readonly (readonly [string, string])[] {
  const offered = places.map(({ name, answers }): [string, string] => [
    name,
    answers
      ? placeName(trans, name)
      : trans.__('%1 (does not answer)', placeName(trans, name))
  ]);
  // What was chosen once may be gone from the settings: the engine will say so.
  return places.some(({ name }) => name === chosen)
    ? offered
    : [[chosen, placeName(trans, chosen)], ...offered];
}
