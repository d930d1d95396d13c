import type { ArtifactValue, JsonValue } from '../src/api/types';
import {
  areaOf,
  confusionOf,
  factsOf,
  rocOf,
  sealed
} from '../src/panels/runs/reports';

function artifact(metadata: Record<string, JsonValue>): ArtifactValue {
  return {
    name: 'a',
    type: 'system.ClassificationMetrics',
    uri: '',
    metadata
  } as unknown as ArtifactValue;
}

const MATRIX = {
  annotationSpecs: [{ displayName: 'cat' }, { displayName: 'dog' }],
  rows: [{ row: [8, 2] }, { row: [1, 9] }]
};

describe('what tasks of a KFP pipeline report', () => {
  it('is a confusion matrix where it is square', () => {
    expect(confusionOf(artifact({ confusionMatrix: MATRIX }))).toEqual({
      categories: ['cat', 'dog'],
      rows: [
        [8, 2],
        [1, 9]
      ],
      largest: 9
    });
    for (const broken of [
      {},
      { confusionMatrix: 'x' },
      { confusionMatrix: { ...MATRIX, rows: [{ row: [1] }, { row: [2] }] } },
      { confusionMatrix: { ...MATRIX, rows: [{ row: [1, 'x'] }, null] } }
    ]) {
      expect(confusionOf(artifact(broken as never))).toBeNull();
    }
  });

  it('is a ROC curve, in order, with the area below it', () => {
    const points = rocOf(
      artifact({
        confidenceMetrics: [
          { confidenceThreshold: 0.2, falsePositiveRate: 0.5, recall: 1 },
          { falsePositiveRate: 0, recall: 0.5 },
          { confidenceThreshold: 0.1, falsePositiveRate: 'x', recall: 1 }
        ]
      })
    );
    expect(points.map(({ falsePositives }) => falsePositives)).toEqual([
      0, 0.5
    ]);
    expect(areaOf(points)).toBeCloseTo(0.5 * 0.75 + 0.5);
    expect(areaOf([])).toBeCloseTo(0.5);
  });

  it('is plain facts besides', () => {
    expect(
      factsOf(artifact({ accuracy: 0.9, good: true, confusionMatrix: MATRIX }))
    ).toEqual([
      ['accuracy', 0.9],
      ['good', true]
    ]);
  });

  it('is a page that can reach no host', () => {
    const page = sealed('<img src="https://a.example/x">', false);
    expect(page.indexOf('Content-Security-Policy')).toBeLessThan(
      page.indexOf('<img')
    );
    expect(page).toContain("default-src 'none'");
    expect(page).not.toContain('script-src');
    expect(sealed('', true)).toContain("script-src 'unsafe-inline'");
  });
});
