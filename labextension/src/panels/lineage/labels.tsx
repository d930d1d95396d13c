import type { TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { formatBytes } from '../../components/format';
import { useTrans } from '../../components/context';
import { Shape } from '../../components/shape';
import {
  dataIcon,
  fileIcon,
  modelsIcon,
  pipelineIcon,
  stepIcon
} from '../../icons';
import type { LineageSubject } from '../../api/types';
import { columnsOf, kindOf, textOf } from './facts';
import type { Facts, INode, NodeKind } from './facts';
import { nameOf, stepsOf } from './ways';
import type { ITrace } from './explorer';
import type { IWays } from './ways';

const ICONS: Readonly<Record<NodeKind, LabIcon>> = {
  step: stepIcon,
  data: dataIcon,
  model: modelsIcon,
  file: fileIcon
};

/** What kind of thing it is, as a shape and, for those who do not see it, as a word. */
export function KindIcon(props: { kind: NodeKind }): JSX.Element {
  const trans = useTrans();
  const icon = ICONS[props.kind];
  const label = kindLabel(trans, props.kind);
  return (
    <span
      className="jp-mlplat-Kind"
      data-kind={props.kind}
      role="img"
      aria-label={label}
      title={label}
    >
      <Shape icon={icon} />
    </span>
  );
}

/** The icon of something a search found. */
export function SubjectIcon(props: { subject: LineageSubject }): JSX.Element {
  const { kind, type, codec } = props.subject;
  const trans = useTrans();
  if (kind === 'run') {
    return (
      <span
        className="jp-mlplat-Kind"
        role="img"
        aria-label={trans.__('Run')}
        title={trans.__('Run')}
      >
        <Shape icon={pipelineIcon} />
      </span>
    );
  }
  return <KindIcon kind={kind === 'artifact' ? kindOf(type, codec) : kind} />;
}

export function kindLabel(trans: TranslationBundle, kind: NodeKind): string {
  switch (kind) {
    case 'step':
      return trans.__('Step');
    case 'data':
      return trans.__('Data');
    case 'model':
      return trans.__('Model');
    case 'file':
      return trans.__('File');
  }
}

/** The kinds as names of filters. */
export function kindsLabel(trans: TranslationBundle, kind: NodeKind): string {
  switch (kind) {
    case 'step':
      return trans.__('Steps');
    case 'data':
      return trans.__('Data');
    case 'model':
      return trans.__('Models');
    case 'file':
      return trans.__('Files');
  }
}

/** The second line of a node: what it is, in few words. */
export function captionOf(trans: TranslationBundle, node: INode): string {
  const { execution, artifact, run } = node;
  if (execution) {
    const state = {
      RUNNING: trans.__('running'),
      COMPLETE: '',
      FAILED: trans.__('failed'),
      CACHED: trans.__('cached'),
      CANCELED: trans.__('cancelled')
    }[execution.state];
    const where = run ? trans.__('run %1', `#${run.number}`) : '';
    return [where, state].filter(Boolean).join(' · ');
  }
  if (node.kind === 'model') {
    const aliases = node.uses.flatMap(use => use.aliases.map(a => `@${a}`));
    const endpoints = node.uses.flatMap(use => use.endpoints);
    const served = endpoints.length
      ? trans.__('served by %1', [...new Set(endpoints)].join(', '))
      : '';
    const about = [...aliases, served].filter(Boolean);
    return about.join(' · ') || textOf(node, 'type') || trans.__('model');
  }
  const about = textOf(node, 'preview') || shortType(textOf(node, 'type'));
  return about || formatBytes(artifact?.size_bytes ?? 0);
}

/** A type without the module it is defined in. */
export function shortType(type: string): string {
  return type.slice(type.lastIndexOf('.') + 1);
}

/** What the ways that are brought out say, as a sentence. */
export function sentenceOf(
  trans: TranslationBundle,
  facts: Facts,
  trace: ITrace,
  ways: IWays
): string {
  const from = facts.node(trace.from ?? '');
  const to = facts.node(trace.to ?? '');
  if (!from || !to) {
    return '';
  }
  const { column } = trace;
  const [start, end] = [spoken(trans, from), spoken(trans, to)];
  if (ways.shortest.length === 0) {
    if (column === null) {
      return trans.__('%1 did not go into %2.', start, end);
    }
    const last = ways.last
      .map(id => facts.node(id))
      .filter((node): node is INode => node !== null)
      .map(node => node.name);
    return last.length > 0
      ? trans.__(
          '`%1` in %2 did not reach %3, by name: no table after %4 has a column of this name.',
          column,
          start,
          end,
          last.join(', ')
        )
      : trans.__('`%1` in %2 did not reach %3, by name.', column, start, end);
  }
  const steps = stepsOf(facts, ways.shortest).map(node => node.name);
  const all = [...ways.nodes].filter(id => facts.node(id)?.kind === 'step');
  const others = all.length - steps.length;
  const through =
    steps.length > 0
      ? trans._n(
          'through step %2',
          'through steps %2',
          steps.length,
          steps.join(' → ')
        )
      : '';
  const more =
    others > 0
      ? trans._n(
          '%1 more step lies on other ways',
          '%1 more steps lie on other ways',
          others
        )
      : '';
  const main =
    column === null
      ? trans.__('%1 reached %2 %3', start, end, through)
      : trans.__('`%1` in %2 reached %3 %4', column, start, end, through);
  const ending =
    column === null ? '' : ` ${byName(trans, facts, column, ways)}`;
  return `${main.trim()}${more ? `; ${more}` : ''}.${ending}`;
}

/** How far a column was followed by its name, and where nobody knows. */
function byName(
  trans: TranslationBundle,
  facts: Facts,
  column: string,
  ways: IWays
): string {
  const unknown = [...ways.nodes]
    .map(id => facts.node(id))
    .filter(
      (node): node is INode =>
        node !== null && node.kind !== 'step' && columnsOf(node) === null
    )
    .map(nameOf);
  const frames = ways.frames
    .map(id => facts.node(id))
    .filter((node): node is INode => node !== null)
    .map(nameOf);
  const names = [...new Set(frames)];
  const seen = trans._n(
    'Followed by name: %2 has a column `%3`.',
    'Followed by name: %2 have a column `%3`.',
    names.length,
    names.join(', '),
    column
  );
  return unknown.length > 0
    ? `${seen} ${trans.__(
        'Columns of %1 are not recorded.',
        [...new Set(unknown)].join(', ')
      )}`
    : seen;
}

function spoken(trans: TranslationBundle, node: INode): string {
  return node.kind === 'model'
    ? trans.__('model %1', nameOf(node))
    : node.kind === 'step'
      ? trans.__('step %1', node.name)
      : node.name;
}

/** What is read aloud for a node. */
export function spokenLabel(trans: TranslationBundle, node: INode): string {
  return [kindLabel(trans, node.kind), nameOf(node), captionOf(trans, node)]
    .filter(Boolean)
    .join(', ');
}
