import type { TranslationBundle } from '@jupyterlab/translation';

import type { PlannedStep } from '../src/api/types';
import {
  onlyThisOf,
  outlookFacts,
  outlookOf,
  outlookReason,
  sentenceOf
} from '../src/panels/pipeline/foresight';
import { planned } from './platform';

const trans = {
  __: (text: string, ...values: unknown[]) =>
    text.replace(/%(\d)/g, (_, index) => String(values[Number(index) - 1])),
  _n: (one: string, many: string, count: number, ...values: unknown[]) =>
    trans.__(count === 1 ? one : many, count, ...values)
} as TranslationBundle;

function plan(...steps: PlannedStep['will'][]) {
  return { steps: steps.map(will => planned('a', { will })) };
}

describe('what a run would do', () => {
  it.each([
    [plan('run', 'run'), '2 of 2 will run · up to 4s'],
    [
      plan('run', 'unknown', 'cached'),
      '1 of 3 will run · 1 more may · up to 2s'
    ],
    [plan('cached', 'cached'), 'Nothing to run: all is cached'],
    [plan('run', 'skip'), '1 of 1 will run · up to 2s'],
    [plan(), '']
  ])('is a sentence', (given, sentence) => {
    expect(sentenceOf(trans, given)).toBe(sentence);
  });

  it('tells no time where a step has never run', () => {
    const steps = [planned('a', { will: 'run', last: null })];

    expect(sentenceOf(trans, { steps })).toBe('1 of 1 will run');
  });

  it('says of a step that it changed only if it did so itself', () => {
    const own = planned('a', { will: 'run', stale: 's', changed: ['cell 1'] });
    const above = planned('a', {
      will: 'run',
      stale: 's',
      changed: ['step b']
    });

    expect([outlookOf(own), outlookOf(above)]).toEqual(['changed', 'run']);
    expect(outlookFacts(trans, own)).toBe('Changed · 2s');
    expect(outlookFacts(trans, own, true)).toBe('2s');
    expect(outlookReason(trans, own)).toBe('Changed: why\nStale: s');
  });
});

describe('what a run of one step alone would do', () => {
  const given = [
    planned('load', {
      will: 'cached',
      is_left: true,
      reason: 'as run 1 left it'
    }),
    planned('new', { will: 'run' }),
    planned('add', { will: 'run' }),
    planned('score', { will: 'skip' })
  ];

  it('names what has to run first, and what may have changed', () => {
    expect(onlyThisOf(trans, { steps: given }, 'add')).toEqual({
      first: ['new'],
      notes: [
        'new must be computed first: nothing is kept of it.',
        'load is taken as run 1 left it.'
      ]
    });
  });

  it('has nothing to say where all is in the cache', () => {
    const steps = [planned('load', { will: 'cached' }), given[2]];

    expect(onlyThisOf(trans, { steps }, 'add')).toEqual({
      first: [],
      notes: []
    });
  });
});
