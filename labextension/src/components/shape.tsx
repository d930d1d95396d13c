import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

/**
 * An icon in a list: the very same elements each time. `LabIcon.react` parses and listens for each one
 * that is shown, which a list in motion feels.
 */
export function Shape(props: { icon: LabIcon }): JSX.Element {
  const { icon } = props;
  let made = MADE.get(icon);
  if (made === undefined) {
    const parsed = new DOMParser().parseFromString(
      icon.svgstr,
      'image/svg+xml'
    );
    made = <span>{toReact(parsed.documentElement, 0)}</span>;
    MADE.set(icon, made);
  }
  return made;
}

const MADE = new WeakMap<LabIcon, JSX.Element>();

function toReact(element: Element, key: number): JSX.Element {
  const attributes = [...element.attributes]
    .filter(({ name }) => name !== 'xmlns')
    .map(({ name, value }) => [
      name === 'class'
        ? 'className'
        : name.replace(/-([a-z])/g, (_, letter: string) =>
            letter.toUpperCase()
          ),
      value
    ]);
  return React.createElement(
    element.localName,
    { key, ...Object.fromEntries(attributes) },
    ...[...element.children].map(toReact)
  );
}
