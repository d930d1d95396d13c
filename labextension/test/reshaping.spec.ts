import type { JsonValue } from '../src/api/types';
import {
  freeName,
  mergeSteps,
  renameStep,
  splitStep
} from '../src/notebook/reshaping';
import { changed } from '../src/notebook/source';
import { FakeNotebook, pipeline, step } from './platform';

const LOAD = step('load', { a: 'x = 1' });
const TRAIN = step('train', { b: 'y = x', c: 'z = y' });
const SCORE = step('score', { d: 's = z' });
const BOOK = pipeline([LOAD, TRAIN, SCORE], {
  edges: [
    { from: 'load', to: 'train', names: ['x'], reasons: [] },
    { from: 'train', to: 'score', names: ['z'], reasons: [] }
  ]
});
const NOTHING = () => ({});

describe('renameStep', () => {
  it('names all cells, and steps that wait for it follow', () => {
    const metadata = (cell: string): Record<string, JsonValue> =>
      cell === 'd' ? { after: ['train'] } : {};

    expect(renameStep(BOOK, 'train', 'fit', metadata)).toEqual({
      step: 'fit',
      changes: [
        { cell: 'b', set: { step: 'fit' } },
        { cell: 'c', set: { step: 'fit' } },
        { cell: 'd', set: { after: ['fit'] } }
      ]
    });
  });

  it('keeps a heading as the title', () => {
    const book = pipeline([{ ...LOAD, title: 'Load it', origin: 'heading' }]);

    expect(renameStep(book, 'load', 'read', NOTHING)).toEqual({
      step: 'read',
      changes: [{ cell: 'a', set: { step: 'read', title: 'Load it' } }]
    });
  });

  it.each([
    ['load', 'Not a name', 'bad-name'],
    ['load', 'train', 'name-taken'],
    ['gone', 'new', 'no-such-step']
  ])('of %s to %s: %s', (name, to, code) => {
    expect(renameStep(BOOK, name, to, NOTHING)).toMatchObject({
      refusal: { code }
    });
  });

  it('leaves names alone that the source gives', () => {
    const book = pipeline([{ ...LOAD, origin: 'magic' }]);

    expect(renameStep(book, 'load', 'read', NOTHING)).toEqual({
      refusal: { code: 'named-in-source', step: 'load' }
    });
  });
});

describe('mergeSteps', () => {
  it('names all cells as the first, whichever was named first', () => {
    expect(mergeSteps(BOOK, ['train', 'load'])).toEqual({
      step: 'load',
      changes: ['a', 'b', 'c'].map(cell => ({ cell, set: { step: 'load' } }))
    });
  });

  it('refuses a circle and names what lies between', () => {
    expect(mergeSteps(BOOK, ['load', 'score'])).toEqual({
      refusal: {
        code: 'between',
        first: 'load',
        second: 'score',
        between: ['train']
      }
    });
  });
});

describe('splitStep', () => {
  it('gives the cells from there on a name of their own, with what was set', () => {
    const metadata = (cell: string): Record<string, JsonValue> =>
      cell === 'b' ? { step: 'train', title: 'T', memory: '2Gi' } : {};

    expect(splitStep(BOOK, 'c', null, metadata)).toEqual({
      step: 'train-2',
      changes: [
        { cell: 'b', set: { step: 'train' } },
        { cell: 'c', set: { step: 'train-2', memory: '2Gi' } }
      ]
    });
  });

  it('refuses the first cell', () => {
    expect(splitStep(BOOK, 'b', null, NOTHING)).toEqual({
      refusal: { code: 'first-cell', step: 'train' }
    });
  });
});

it('freeName counts on, within 63 letters', () => {
  const long = 'x'.repeat(63);

  expect(freeName(pipeline([step(long), step('a'), step('a-2')]), 'a')).toBe(
    'a-3'
  );
  expect(freeName(pipeline([step(long)]), long)).toHaveLength(63);
});

it('changed writes into a copy', () => {
  const content = new FakeNotebook({ a: 'x = 1' }).snapshot();

  const after = changed(content, [
    { cell: 'a', set: { step: 's', cpu: undefined } }
  ]);

  expect(after.cells[0].metadata.mlplat).toEqual({ step: 's' });
  expect(content.cells[0].metadata).toEqual({});
});
