import * as React from 'react';

import { Button, ErrorNote, IconButton } from '../../components/basics';
import { useTrans } from '../../components/context';
import { Header, Opened } from '../../components/header';
import { lineageIcon, linkIcon } from '../../icons';
import type { ILineageActions } from './actions';
import type { LineageBody } from './body';
import { Filters, TraceBar } from './controls';
import { NodeDetails } from './details';
import type { LineageExplorer } from './explorer';
import { NothingKnown } from './nothing';
import { LineageSearch } from './search';
import { LineageTree } from './tree-view';
import '../../../style/lineage.css';

/** The search, or one subject as a tree with its details. */
export default function LineageView(props: LineageBody.IOptions): JSX.Element {
  const { model, actions } = props;
  const trans = useTrans();
  if (model.explorer) {
    return <Exploration explorer={model.explorer} actions={actions} />;
  }
  return (
    <>
      <Header
        title={trans.__('Lineage')}
        facts={trans.__('What made it, and where it went')}
      />
      <LineageSearch model={model} actions={actions} />
    </>
  );
}

function Exploration(props: {
  explorer: LineageExplorer;
  actions: ILineageActions;
}): JSX.Element {
  const { explorer, actions } = props;
  const trans = useTrans();
  const { subject, selected } = explorer;
  const isEmpty = explorer.roots.length === 0;
  const back = () => actions.show(null);
  return (
    <Opened onBack={back}>
      <Header
        isLive
        title={explorer.title}
        hint={explorer.title}
        facts={
          explorer.isLoading
            ? trans.__('Looking…')
            : explorer.isTruncated
              ? trans.__('%1 nodes; there are more', explorer.facts.size)
              : trans._n('%1 node', '%1 nodes', explorer.facts.size)
        }
        back={{ label: trans.__('Back to the search'), onClick: back }}
      >
        {subject.notebook === undefined && (
          <IconButton
            icon={linkIcon}
            label={trans.__('Copy link')}
            onClick={() => actions.copyLink(subject.subject)}
          />
        )}
        <Button
          kind="primary"
          icon={lineageIcon}
          label={trans.__('Graph')}
          title={trans.__('Open the graph in the main area')}
          isDisabled={isEmpty}
          testId="mlplat-lineage-graph"
          onClick={() => actions.openGraph(subject)}
        />
      </Header>
      {explorer.error !== null && (
        <ErrorNote
          error={explorer.error}
          action={{
            label: trans.__('Try again'),
            onClick: () => void explorer.load()
          }}
        />
      )}
      {isEmpty && !explorer.isLoading && explorer.error === null && (
        <NothingKnown />
      )}
      {!isEmpty && (
        <>
          <Filters explorer={explorer} />
          <TraceBar explorer={explorer} />
          <LineageTree explorer={explorer} />
          {selected && (
            <NodeDetails
              explorer={explorer}
              node={selected}
              actions={actions}
              onClose={() => explorer.select(null)}
            />
          )}
        </>
      )}
    </Opened>
  );
}
