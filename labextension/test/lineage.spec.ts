import type {
  Artifact,
  Execution,
  JsonValue,
  LineageGraph,
  ModelUse
} from '../src/api/types';
import { bestDirection } from '../src/graph/direction';
import { LineageExplorer } from '../src/panels/lineage/explorer';
import { CARD, escape, fileName, toSvg } from '../src/panels/lineage/export';
import { Facts, part, step } from '../src/panels/lineage/facts';
import type { NodeKind } from '../src/panels/lineage/facts';
import { LineageModel } from '../src/panels/lineage/model';
import { parentOf, rowsOf } from '../src/panels/lineage/tree';
import { findWays, originOf } from '../src/panels/lineage/ways';
import { FakePlatform, TIME, until } from './platform';

function execution(id: string): Execution {
  return {
    id,
    type: 'mlplat.Step',
    name: id,
    run_id: 'run-1',
    state: 'COMPLETE',
    code: {
      cells: {},
      git_commit: null,
      git_dirty: null,
      git_remote: null,
      environment: null
    },
    parameters: {},
    started_at: TIME,
    finished_at: TIME
  };
}

function artifact(
  id: string,
  metadata: Record<string, JsonValue> = {},
  type = 'mlplat.Value'
): Artifact {
  const rest = { digest: null, size_bytes: 3, codec: 'json', uri: null };
  return { id, type, name: id, metadata, created_at: TIME, ...rest };
}

/** An answer drawn with arrows: `load>raw` is made by, `raw>clean` is read by. Steps are in capitals. */
function answer(
  drawn: string,
  options: {
    columns?: Record<string, string[]>;
    beyond?: LineageGraph['beyond'];
    roots?: string[];
    models?: ModelUse[];
    truncated?: boolean;
  } = {}
): LineageGraph {
  const links = drawn
    .split(' ')
    .filter(Boolean)
    .map(link => link.split('>'));
  const ids = [...new Set(links.flat())].filter(Boolean);
  const isStep = (id: string) => id === id.toUpperCase();
  return {
    subject: 'x',
    roots: options.roots ?? [],
    executions: ids.filter(isStep).map(execution),
    artifacts: ids
      .filter(id => !isStep(id))
      .map(id =>
        artifact(
          id,
          options.columns?.[id] ? { columns: options.columns[id] } : {},
          id.startsWith('model') ? 'system.Model' : undefined
        )
      ),
    events: links
      .filter(([, to]) => to)
      .map(([from, to]) =>
        isStep(from)
          ? { execution_id: from, artifact_id: to, kind: 'output', name: to }
          : { execution_id: to, artifact_id: from, kind: 'input', name: from }
      ),
    runs: [
      {
        id: 'run-1',
        number: 1,
        pipeline: 'churn',
        notebook: '/a.ipynb',
        created_at: TIME
      }
    ],
    models: options.models ?? [],
    beyond: options.beyond ?? {},
    truncated: options.truncated ?? false
  };
}

const CHAIN = 'LOAD>raw raw>CLEAN CLEAN>frame frame>TRAIN TRAIN>model';
const all = { hidden: new Set<NodeKind>(), kept: new Set<string>() };

describe('Facts', () => {
  it('grow by merging, and know where more can be loaded', () => {
    const first = Facts.none.with(
      answer('frame>TRAIN TRAIN>model', {
        beyond: { frame: { upstream: 1, downstream: 2 } }
      })
    );
    expect(first.beyond('frame', 'upstream')).toBe(1);

    const more = first.with(
      answer('CLEAN>frame', {
        beyond: {
          frame: { upstream: 0, downstream: 3 },
          CLEAN: { upstream: 1, downstream: 0 }
        }
      })
    );

    expect(more.next('frame', 'upstream')).toEqual(['CLEAN']);
    expect(more.beyond('frame', 'upstream')).toBe(0);
    expect(more.beyond('frame', 'downstream')).toBe(2);
    expect(more.beyond('CLEAN', 'upstream')).toBe(1);
    expect(first.size).toBe(3);
  });

  it('are shown across what is passed over', () => {
    const facts = Facts.none.with(
      answer(CHAIN, { beyond: { LOAD: { upstream: 2, downstream: 0 } } })
    );
    const steps = {
      hidden: new Set<NodeKind>(['step']),
      kept: new Set<string>()
    };
    const ids = new Set(facts.nodes().map(node => node.id));

    const drawn = part(facts, ids, steps);

    expect(drawn.nodes.map(node => node.id)).toEqual(['raw', 'frame', 'model']);
    expect(drawn.edges.map(edge => edge.id)).toEqual([
      'raw→frame',
      'frame→model'
    ]);
    expect(step(facts, 'raw', 'upstream', steps)).toEqual({
      next: [],
      open: ['LOAD']
    });
    const kept = { ...steps, kept: new Set(['TRAIN']) };
    expect(part(facts, ids, kept).nodes.map(node => node.id)).toContain(
      'TRAIN'
    );
  });

  it('end in circles of equal content', () => {
    const facts = Facts.none.with(answer('SORT>list list>SORT'));
    const data = {
      hidden: new Set<NodeKind>(['data']),
      kept: new Set<string>()
    };

    expect(step(facts, 'SORT', 'downstream', data).next).toEqual([]);
    expect(findWays(facts, 'list', 'SORT').shortest).toEqual(['list', 'SORT']);
  });
});

describe('findWays', () => {
  const forked = Facts.none.with(
    answer(
      `${CHAIN} raw>SCALE SCALE>scaled scaled>TRAIN frame>PLOT PLOT>figure`
    )
  );

  it('finds every node on any way, and a shortest one', () => {
    const ways = findWays(forked, 'LOAD', 'model');

    expect([...ways.nodes].sort()).toEqual(
      [
        'LOAD',
        'raw',
        'CLEAN',
        'frame',
        'SCALE',
        'scaled',
        'TRAIN',
        'model'
      ].sort()
    );
    expect(ways.shortest).toHaveLength(6);
    expect(ways.shortest[0]).toBe('LOAD');
    expect(ways.shortest[5]).toBe('model');
  });

  it('says that there is none', () => {
    const ways = findWays(forked, 'figure', 'model');

    expect(ways).toEqual({
      nodes: new Set(),
      shortest: [],
      frames: [],
      last: []
    });
  });

  it('follows a column by its name, through what nobody knows the columns of', () => {
    const facts = Facts.none.with(
      answer(`${CHAIN} raw>DROP DROP>other other>TRAIN`, {
        columns: { raw: ['age', 'sex'], other: ['sex'] }
      })
    );

    const ways = findWays(facts, 'raw', 'model', 'age');

    expect(ways.shortest).toEqual(['raw', 'CLEAN', 'frame', 'TRAIN', 'model']);
    expect(ways.nodes.has('other')).toBe(false);
    expect(ways.frames).toEqual(['raw']);
    expect(originOf(facts, 'frame', 'age')).toBe('raw');
    expect(originOf(facts, 'raw', 'age')).toBe('raw');
  });

  it('finds where a column comes from, however short the way is', () => {
    const columns = { raw: ['age'], train: ['age'], test: ['age'] };
    const facts = Facts.none.with(
      answer(
        'LOAD>raw raw>SPLIT SPLIT>train SPLIT>test train>FIT FIT>fitted fitted>CHECK CHECK>score score>LOG test>LOG LOG>model',
        { columns: { ...columns, model: ['age'] } }
      )
    );

    expect(originOf(facts, 'model', 'age')).toBe('raw');
  });

  it('says where a column is lost', () => {
    const columns = { raw: ['age'], frame: ['age'], narrow: ['sex'] };
    const facts = Facts.none.with(
      answer('raw>A A>frame frame>B B>narrow narrow>C C>model', { columns })
    );

    const ways = findWays(facts, 'raw', 'model', 'age');

    expect(ways.shortest).toEqual([]);
    expect(ways.last).toEqual(['frame']);
  });
});

describe('rowsOf', () => {
  const facts = Facts.none.with(
    answer(CHAIN, { beyond: { raw: { upstream: 0, downstream: 4 } } })
  );
  const open = () => true;

  it('grows up and down from the subject', () => {
    const rows = rowsOf(facts, ['frame'], 'both', all, open);

    expect(rows.map(row => `${row.level} ${row.node?.id ?? row.way}`)).toEqual([
      '1 frame',
      '2 upstream',
      '3 CLEAN',
      '4 raw',
      '5 LOAD',
      '2 downstream',
      '3 TRAIN',
      '4 model'
    ]);
    expect(rows[3].isExpandable).toBe(true);
    expect(rows[4].isExpandable).toBe(false);
    expect(parentOf(rows[3].key)).toBe(rows[2].key);
    expect(parentOf(rows[0].key)).toBeNull();
  });

  it('shows one way only when asked', () => {
    const rows = rowsOf(facts, ['frame'], 'downstream', all, open);

    expect(rows.map(row => row.node?.id ?? row.way)).toEqual([
      'frame',
      'downstream',
      'TRAIN',
      'model'
    ]);
  });

  it('ends a circle where it closes', () => {
    const round = Facts.none.with(answer('SORT>list list>SORT'));

    const rows = rowsOf(round, ['list'], 'upstream', all, open);

    expect(rows.map(row => row.node?.id ?? row.way)).toEqual([
      'list',
      'upstream',
      'SORT',
      'list'
    ]);
    expect(rows[3].isRepeated).toBe(true);
    expect(rows[3].isExpandable).toBe(false);
  });
});

describe('LineageExplorer', () => {
  async function explored(
    first: LineageGraph
  ): Promise<[LineageExplorer, FakePlatform, URLSearchParams[]]> {
    const platform = new FakePlatform();
    const asked: URLSearchParams[] = [];
    platform.routes.set('GET engine', () => ({ last_event: 0 }));
    platform.routes.set('GET lineage', ({ search }) => {
      asked.push(search);
      return first;
    });
    const explorer = new LineageExplorer(platform.connection, {
      subject: 'model:m/1'
    });
    await until(() => explorer.roots.length > 0);
    return [explorer, platform, asked];
  }

  it('asks two steps deep first, then for what is expanded', async () => {
    const [explorer, platform, asked] = await explored(
      answer('frame>TRAIN TRAIN>model', {
        roots: ['model'],
        beyond: { frame: { upstream: 1, downstream: 0 } }
      })
    );
    expect(explorer.title).toBe('m/1');
    expect(asked[0].get('depth')).toBe('2');
    expect(explorer.more('frame', 'upstream')).toBe(1);

    platform.routes.set('GET lineage', ({ search }) => {
      asked.push(search);
      return answer('CLEAN>frame', { roots: ['frame'] });
    });
    const row = explorer.rows().find(({ node }) => node?.id === 'frame');
    await explorer.toggle(row!, true);

    expect(asked[1].get('subject')).toBe('frame');
    expect(asked[1].get('direction')).toBe('upstream');
    expect(explorer.more('frame', 'upstream')).toBe(0);
    expect(explorer.rows().map(({ node }) => node?.id)).toContain('CLEAN');
    expect(explorer.roots).toEqual(['model']);
    explorer.dispose();
  });

  it('expands all rows beside one, and keeps its rows until they change', async () => {
    const [explorer] = await explored(
      answer('frame>TRAIN TRAIN>model', { roots: ['model'] })
    );
    const before = explorer.rows();
    const heading = before.find(row => row.node === null)!;
    explorer.select('frame');
    expect(explorer.rows()).toBe(before);

    await explorer.toggle(heading, false);
    expect(explorer.rows().length).toBeLessThan(before.length);
    await explorer.expandBeside(heading);

    expect(explorer.rows().map(row => row.key)).toEqual(
      expect.arrayContaining(before.map(row => row.key))
    );
    explorer.dispose();
  });

  it('never loses its subject to a filter', async () => {
    const [explorer] = await explored(
      answer('TRAIN>model', { roots: ['model'], truncated: true })
    );

    explorer.setHidden('model', true);
    explorer.setHidden('step', true);

    expect(explorer.part().nodes.map(node => node.id)).toEqual(['model']);
    expect(explorer.isTruncated).toBe(true);
    explorer.dispose();
  });

  it('brings out all ways between two nodes', async () => {
    const [explorer, platform] = await explored(
      answer('frame>TRAIN TRAIN>model', { roots: ['model'] })
    );
    platform.routes.set('GET lineage/between', ({ search }) => {
      expect(search.get('from')).toBe('raw');
      return answer(CHAIN, { roots: ['raw', 'model'] });
    });

    await explorer.setTrace({ from: 'raw', to: 'model' });

    expect(explorer.ways?.shortest).toEqual([
      'raw',
      'CLEAN',
      'frame',
      'TRAIN',
      'model'
    ]);
    explorer.dispose();
  });

  it('keeps an error beside what is known', async () => {
    const [explorer, platform] = await explored(
      answer('TRAIN>model', { roots: ['model'] })
    );
    platform.routes.delete('GET lineage');

    await explorer.load();

    expect(String(explorer.error)).toContain('No lineage');
    expect(explorer.facts.size).toBe(2);
    explorer.dispose();
  });
});

describe('LineageModel', () => {
  it('remembers what was opened, newest first and once', async () => {
    const platform = new FakePlatform();
    platform.routes.set('GET engine', () => ({ last_event: 0 }));
    platform.routes.set('GET lineage/search', () => ({ subjects: [] }));
    platform.routes.set('GET lineage', ({ search }) =>
      answer('TRAIN>model', { roots: [search.get('subject') ?? ''] })
    );
    const model = new LineageModel(platform.connection);

    for (const subject of ['model', 'TRAIN', 'model']) {
      await model.open({ subject });
      await until(() => (model.explorer?.roots.length ?? 0) > 0);
    }

    expect(model.recent).toEqual([
      { subject: 'model', title: 'model' },
      { subject: 'TRAIN', title: 'TRAIN' }
    ]);
    model.dispose();
  });

  it('lists what has come since, where the list is in sight', async () => {
    const platform = new FakePlatform();
    const subjects: object[] = [];
    platform.routes.set('GET engine', () => ({ last_event: 0 }));
    platform.routes.set('GET lineage/search', () => ({ subjects }));
    const model = new LineageModel(platform.connection);
    await model.search();
    expect(model.found).toEqual([]);

    subjects.push({ subject: 'model:iris/1', title: 'iris/1' });
    platform.send('model.updated', 'iris', {});
    await until(() => model.found.length === 1);

    model.dispose();
  });
});

describe('toSvg', () => {
  const evil = '<script>"&\'\u0000\ud800';

  it('escapes what users made and draws every card and line', () => {
    const facts = Facts.none.with(answer('TRAIN>model'));
    const [first, second] = facts.nodes();
    const svg = toSvg({
      title: evil,
      nodes: [{ ...first, name: evil }, second],
      edges: [{ id: 'e', source: 'TRAIN', target: 'model', names: [] }],
      positions: new Map([
        ['TRAIN', { x: 0, y: 0 }],
        ['model', { x: 300, y: 100 }]
      ]),
      direction: 'right',
      highlighted: new Set(['model']),
      captionOf: () => evil
    });

    expect(svg).not.toContain('<script');
    expect(svg).not.toContain('\u0000');
    expect(svg.match(/<rect /g)).toHaveLength(3);
    expect(svg).toContain('marker-end');
    expect(svg).not.toMatch(/var\(/);
    expect(svg).toContain(`width="${300 + CARD.width + 48}"`);
  });

  it('keeps letters of any script', () => {
    expect(escape('größe 数据 🎉')).toBe('größe 数据 🎉');
    expect(escape(evil)).toBe('&lt;script&gt;&quot;&amp;&#39;');
  });

  it('names the file after the subject', () => {
    expect(fileName('tumour/3', 'svg')).toBe('lineage-tumour-3.svg');
    expect(fileName('../..', 'png')).toBe('lineage-graph.png');
  });
});

describe('bestDirection', () => {
  const card = { width: 236, height: 110 };
  const nodes = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ id: String(index) }));

  it('runs a chain down and a fan to the right', () => {
    const chain = [0, 1, 2, 3, 4].map(at => ({
      source: String(at),
      target: String(at + 1)
    }));
    const fan = nodes(20).map(({ id }) => ({ source: 'x', target: id }));

    expect(bestDirection(nodes(6), chain, card)).toBe('down');
    expect(bestDirection([{ id: 'x' }, ...nodes(20)], fan, card)).toBe('right');
  });

  it('bears circles', () => {
    const round = [
      { source: '0', target: '1' },
      { source: '1', target: '0' }
    ];

    expect(['down', 'right']).toContain(bestDirection(nodes(2), round, card));
  });
});
