import * as React from 'react';

import { useTrans } from '../../components/context';
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

  const focus = (row: IRow | undefined): void => {
    if (row) {
      setActive(row.key);
      if (row.node) {
        explorer.select(row.node.id);
      }
      tree.current
        ?.querySelector<HTMLElement>(`[data-key="${CSS.escape(row.key)}"]`)
        ?.focus();
    }
  };

  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (!current || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const index = rows.indexOf(current);
    switch (event.key) {
      case 'ArrowDown':
        focus(rows[index + 1]);
        break;
      case 'ArrowUp':
        focus(rows[index - 1]);
        break;
      case 'Home':
        focus(rows[0]);
        break;
      case 'End':
        focus(rows[rows.length - 1]);
        break;
      case 'ArrowRight':
        if (current.isExpandable && !current.isExpanded) {
          void explorer.toggle(current, true);
        } else if (rows[index + 1]?.level > current.level) {
          focus(rows[index + 1]);
        }
        break;
      case 'ArrowLeft':
        if (current.isExpanded) {
          void explorer.toggle(current, false);
        } else {
          const parent = parentOf(current.key);
          focus(rows.find(row => row.key === parent));
        }
        break;
      case 'Enter':
      case ' ':
        if (event.key === 'Enter' && current.node && props.onOpen) {
          props.onOpen(current.node.id);
        } else if (current.isExpandable) {
          void explorer.toggle(current, !current.isExpanded);
        }
        break;
      default: {
        // A letter goes to the next row that begins with it.
        if (event.key.length !== 1) {
          return;
        }
        const letter = event.key.toLowerCase();
        const after = [...rows.slice(index + 1), ...rows.slice(0, index)];
        focus(
          after.find(
            ({ node }) => node && nameOf(node).toLowerCase().startsWith(letter)
          )
        );
      }
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div
      ref={tree}
      className="jp-mlplat-Lineage-tree"
      role="tree"
      aria-label={trans.__('Lineage of %1', explorer.title)}
      aria-busy={explorer.isLoading}
      onKeyDown={onKeyDown}
    >
      {rows.map(row => (
        <div
          key={row.key}
          role="treeitem"
          className="jp-mlplat-Lineage-row"
          data-key={row.key}
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
            focus(row);
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
            <chevronIcon.react tag="span" />
          </span>
          {row.node ? (
            <>
              <KindIcon kind={row.node.kind} />
              <span className="jp-mlplat-Lineage-name">{nameOf(row.node)}</span>
              <span className="jp-mlplat-Lineage-caption">
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
      ))}
    </div>
  );

  function headingOf(row: IRow): string {
    return row.way === 'upstream'
      ? trans.__('Made from')
      : trans.__('Went into');
  }
}
