import { YNotebook } from '@jupyter/ydoc';
import { Signal } from '@lumino/signaling';
import * as Y from 'yjs';

import { mergeSteps, splitStep } from '../src/notebook/reshaping';
import type { ICellChange, Reshaping } from '../src/notebook/reshaping';
import { changeCells, metadataIn, snapshotOf } from '../src/notebook/shared';
import { changesOf, settingsOf } from '../src/notebook/step-settings';
import type { INotebookSource } from '../src/notebook/source';
import { MarksModel } from '../src/notebook/marks-model';
import { PipelineModel } from '../src/panels/pipeline/model';
import { FakePlatform, pipeline, planned, step, until } from './platform';

const CELLS = { a: 'x = 1', b: 'y = x', c: 'z = y' };

const together: Together[] = [];

afterEach(() => together.splice(0).forEach(both => both.dispose()));

/** One notebook in two places, which hear of each other's changes; how many each has sent is counted. */
class Together {
  readonly ours = new YNotebook();
  readonly theirs = new YNotebook();
  readonly sent = { ours: 0, theirs: 0 };

  constructor() {
    together.push(this);
    this.ours.fromJSON({
      nbformat: 4,
      nbformat_minor: 5,
      metadata: {},
      cells: Object.entries(CELLS).map(([id, source]) => ({
        id,
        cell_type: 'code',
        source,
        metadata: { mlplat: { step: id === 'a' ? 'load' : 'train' } },
        execution_count: null,
        outputs: []
      }))
    });
    this.ours.undoManager.clear();
    Y.applyUpdate(this.theirs.ydoc, Y.encodeStateAsUpdate(this.ours.ydoc));
    this._pass('ours', 'theirs');
    this._pass('theirs', 'ours');
  }

  dispose(): void {
    for (const notebook of [this.ours, this.theirs]) {
      notebook.awareness.destroy();
      notebook.dispose();
    }
  }

  private _pass(from: 'ours' | 'theirs', to: 'ours' | 'theirs'): void {
    this[from].ydoc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== this) {
        this.sent[from] += 1;
        Y.applyUpdate(this[to].ydoc, update, this);
      }
    });
  }
}

/** A notebook as the models see it, on a shared document. */
class SharedSource implements INotebookSource {
  constructor(private readonly _shared: YNotebook) {
    _shared.ydoc.on('update', () => this.contentChanged.emit());
  }

  readonly path = 'churn.ipynb';
  readonly name = 'churn.ipynb';
  readonly ready = Promise.resolve();
  readonly contentChanged = new Signal<this, void>(this);
  readonly observedChanged = new Signal<this, void>(this);

  snapshot() {
    return snapshotOf(this._shared as never);
  }

  observed() {
    return null;
  }

  sourceOf(id: string): string | null {
    return (
      this._shared.cells.find(cell => cell.getId() === id)?.getSource() ?? null
    );
  }

  metadataOf(cell: string) {
    return metadataIn(this._shared as never, cell);
  }

  change(changes: readonly ICellChange[]): void {
    changeCells(this._shared as never, changes);
  }

  async save(): Promise<void> {
    // There is no disk here.
  }
}

/** Compiles as the engine does where every cell names its step. */
function compile(body: unknown) {
  const { notebook } = body as {
    notebook: ReturnType<typeof snapshotOf>;
  };
  const steps = new Map<string, Record<string, string>>();
  for (const cell of notebook.cells) {
    const { step: name } = cell.metadata.mlplat as { step: string };
    const cells = {
      ...steps.get(name),
      [String(cell.id)]: String(cell.source)
    };
    steps.set(name, cells);
  }
  return pipeline([...steps].map(([name, cells]) => step(name, cells)));
}

async function open(notebook: YNotebook): Promise<PipelineModel> {
  const platform = new FakePlatform();
  platform.routes.set('POST compile', ({ body }) => compile(body));
  platform.routes.set('POST plan', () => ({ steps: [planned('load')] }));
  platform.routes.set('GET runs', () => ({ runs: [], next: null }));
  const model = new PipelineModel(platform.connection, path => `/srv/${path}`);
  model.setNotebook(new SharedSource(notebook));
  await until(() => model.pipeline !== null);
  return model;
}

function stepsOf(model: PipelineModel): string[] {
  return (model.pipeline?.steps ?? []).map(
    ({ name, cells }) => `${name}: ${cells.map(({ id }) => id).join(' ')}`
  );
}

const metadata = (notebook: YNotebook, cell: string) =>
  metadataIn(notebook as never, cell);

// Making a notebook reads its cells before they are in it, which yjs remarks.
beforeAll(() => void jest.spyOn(console, 'warn').mockImplementation());

describe('a notebook that two people edit', () => {
  const split = (model: PipelineModel): Promise<unknown> =>
    model.reshape((now, notebook): Reshaping =>
      splitStep(now, 'c', null, cell => notebook.metadataOf(cell))
    );

  it('brings a split and a merge to the other, who answers nothing', async () => {
    const { ours, theirs, sent } = new Together();
    const [here, there] = [await open(ours), await open(theirs)];

    const marks = new MarksModel(there, path => `/srv/${path}`);

    expect(await split(here)).toBeNull();
    await until(() => stepsOf(there).length === 3);

    expect(stepsOf(there)).toEqual(['load: a', 'train: b', 'train-2: c']);
    const source = (id: string) => CELLS[id as keyof typeof CELLS];
    const mark = () => marks.marksOf('churn.ipynb', source).get('c');
    await until(() => mark()?.step === 'train-2' && mark()?.isFirst === true);
    expect(sent).toEqual({ ours: 1, theirs: 0 });

    await here.reshape(now => mergeSteps(now, ['load', 'train']));
    await until(() => stepsOf(there).length === 2);

    expect(stepsOf(there)).toEqual(['load: a b', 'train-2: c']);
    expect(sent).toEqual({ ours: 2, theirs: 0 });
    marks.dispose();
    here.dispose();
    there.dispose();
  });

  it('undoes what one did, and leaves what the other did', async () => {
    const { ours, theirs, sent } = new Together();
    const [here, there] = [await open(ours), await open(theirs)];
    await split(here);
    await until(() => stepsOf(there).length === 3);
    theirs.cells[0].setSource('x = 2');

    ours.undo();
    await until(() => stepsOf(there).length === 2);

    expect(stepsOf(there)).toEqual(['load: a', 'train: b c']);
    expect(ours.cells[0].getSource()).toBe('x = 2');
    expect(sent).toEqual({ ours: 2, theirs: 1 });
    here.dispose();
    there.dispose();
  });

  it('finds cells by their ids, wherever others have moved them', async () => {
    const { ours, theirs } = new Together();
    const here = await open(ours);
    const train = here.step('train')!;
    const changes = changesOf(train, {
      ...settingsOf(train),
      memory: '2Gi',
      env: { KEY: 'v' }
    });

    theirs.insertCell(0, { cell_type: 'code', id: 'new', source: 'import os' });
    theirs.moveCell(3, 1);
    changeCells(ours as never, changes);

    expect(theirs.cells.map(cell => cell.getId())).toEqual([
      'new',
      'c',
      'a',
      'b'
    ]);
    expect(metadata(theirs, 'b')).toEqual({
      step: 'train',
      memory: '2Gi',
      env: { KEY: 'v' }
    });
    expect(metadata(theirs, 'c')).toEqual({ step: 'train' });
    here.dispose();
  });

  it('passes over cells that somebody has deleted, and writes nothing twice', () => {
    const { ours, theirs, sent } = new Together();
    theirs.deleteCell(2);
    const changes = ['a', 'c'].map(cell => ({ cell, set: { cpu: 2 } }));

    changeCells(ours as never, changes);
    changeCells(ours as never, changes);

    expect(metadata(theirs, 'a')).toEqual({ step: 'load', cpu: 2 });
    expect(sent).toEqual({ ours: 1, theirs: 1 });
  });
});
