import * as React from 'react';

import { useTrans } from '../../components/context';
import { Shape } from '../../components/shape';
import { Windowed, useRowFocus } from '../../components/windowed';
import { chevronIcon } from '../../icons';
import type { LineageExplorer } from './explorer';
import { KindIcon, captionOf, spokenLabel } from './labels';
import { parentOf } from './tree';
import type { IRow } from './tree';
import { nameOf } from './ways';

/** Where something comes from and where it went, as a tree: the graph's twin for the keyboard. */
export function LineageTree(props: {
  explorer: LineageExplorer;
  onOpen?: (id: string) => void;
}): JSX.Element {
  const { explorer } = props;
  const trans = useTrans();
  const tree = React.useRef<HTMLDivElement>(null);
  const rows = explorer.rows();
  const [active, setActive] = React.useState<string | null>(null);
  const current = rows.find(row => row.key === active) ?? rows[0];
  const ways = explorer.ways;

  const index = current ? rows.indexOf(current) : 0;
  const { goTo, next } = useRowFocus(tree, rows.length, ROW_HEIGHT, {
    entry: index
  });

  const focus = (at: number): void => {
    const row = rows[at];
    if (row) {
      setActive(row.key);
      if (row.node) {
        explorer.select(row.node.id);
      }
      goTo(at);
    }
  };

  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (!current || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const moved = next(event.key);
    if (moved !== null) {
      focus(moved);
    } else if (event.key === 'ArrowRight') {
      if (current.isExpandable && !current.isExpanded) {
        void explorer.toggle(current, true);
      } else if (rows[index + 1]?.level > current.level) {
        focus(index + 1);
      }
    } else if (event.key === 'ArrowLeft') {
      if (current.isExpanded) {
        void explorer.toggle(current, false);
      } else {
        const parent = parentOf(current.key);
        focus(rows.findIndex(row => row.key === parent));
      }
    } else if (event.key === 'Enter' && current.node && props.onOpen) {
      props.onOpen(current.node.id);
    } else if (event.key === 'Enter' || event.key === ' ') {
      if (current.isExpandable) {
        void explorer.toggle(current, !current.isExpanded);
      }
    } else if (event.key === '*') {
      void explorer.expandBeside(current);
    } else if (event.key.length === 1) {
      focus(beginning(rows, index, event.key.toLowerCase()));
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <Windowed
      ref={tree}
      className="jp-mlplat-Lineage-tree"
      role="tree"
      label={trans.__('Lineage of %1', explorer.title)}
      isBusy={explorer.isLoading}
      count={rows.length}
      rowHeight={ROW_HEIGHT}
      entry={index}
      onKeyDown={onKeyDown}
      renderRow={at => renderRow(rows[at], at)}
    />
  );

  function renderRow(row: IRow, at: number): JSX.Element {
    return (
      <div
        key={row.key}
        role="treeitem"
        className="jp-mlplat-Lineage-row"
        data-key={row.key}
        data-index={at}
        data-node={row.node?.id}
        data-kind={row.node?.kind ?? 'heading'}
        data-faded={!!ways && !!row.node && !ways.nodes.has(row.node.id)}
        aria-label={row.node ? spokenLabel(trans, row.node) : headingOf(row)}
        aria-level={row.level}
        aria-posinset={row.position}
        aria-setsize={row.size}
        aria-expanded={row.isExpandable ? row.isExpanded : undefined}
        aria-selected={
          row.node !== null && row.node.id === explorer.selected?.id
        }
        tabIndex={row === current ? 0 : -1}
        style={{ '--level': row.level - 1 } as React.CSSProperties}
        onClick={() => {
          focus(at);
          if (row.node === null) {
            void explorer.toggle(row, !row.isExpanded);
          }
        }}
        onDoubleClick={() => row.node && props.onOpen?.(row.node.id)}
      >
        <span
          className="jp-mlplat-Lineage-chevron"
          data-open={row.isExpanded}
          data-hidden={!row.isExpandable}
          aria-hidden="true"
          onClick={event => {
            event.stopPropagation();
            void explorer.toggle(row, !row.isExpanded);
          }}
        >
          <Shape icon={chevronIcon} />
        </span>
        {row.node ? (
          <>
            <KindIcon kind={row.node.kind} />
            <span className="jp-mlplat-Lineage-name" title={nameOf(row.node)}>
              {nameOf(row.node)}
            </span>
            <span
              className="jp-mlplat-Lineage-caption"
              title={captionOf(trans, row.node)}
            >
              {row.isRepeated
                ? trans.__('stands above')
                : captionOf(trans, row.node)}
            </span>
          </>
        ) : (
          <span className="jp-mlplat-Lineage-heading">{headingOf(row)}</span>
        )}
        {row.isExpanded && row.open.length > 0 && !explorer.isLoading && (
          <span
            className="jp-mlplat-Count"
            title={trans.__('More than can be shown at once')}
          >
            …
          </span>
        )}
      </div>
    );
  }

  function headingOf(row: IRow): string {
    return row.way === 'upstream'
      ? trans.__('Made from')
      : trans.__('Went into');
  }
}

/** The next row that begins with a letter, from the top again after the last one; -1: none does. */
function beginning(
  rows: readonly IRow[],
  from: number,
  letter: string
): number {
  const places = rows.map((_, place) => (from + 1 + place) % rows.length);
  return (
    places.find(place => {
      const { node } = rows[place];
      return node && nameOf(node).toLowerCase().startsWith(letter);
    }) ?? -1
  );
}

const ROW_HEIGHT = 26;
