import type { ArtifactValue, JsonValue } from '../../api/types';

/** How often each true class was taken for each other one; a row for each true class. */
export interface IConfusion {
  categories: readonly string[];
  rows: readonly (readonly number[])[];
  largest: number;
}

/** A point of a ROC curve. */
export interface IRocPoint {
  threshold: number;
  falsePositives: number;
  recall: number;
}

/** Read the confusion matrix of a ClassificationMetrics artifact; null where there is none that fits. */
export function confusionOf(value: ArtifactValue): IConfusion | null {
  const matrix = record(value.metadata.confusionMatrix);
  const specs = list(matrix?.annotationSpecs).map(record);
  const rows = list(matrix?.rows).map(row =>
    list(record(row)?.row).map(Number)
  );
  const categories = specs.map(spec => String(spec?.displayName ?? ''));
  const isSquare =
    rows.length === categories.length &&
    rows.every(
      row => row.length === categories.length && row.every(cell => cell >= 0)
    );
  return categories.length > 0 && isSquare
    ? { categories, rows, largest: Math.max(...rows.flat()) }
    : null;
}

/** Read the ROC curve of a ClassificationMetrics artifact, from (0, 0) to (1, 1). */
export function rocOf(value: ArtifactValue): readonly IRocPoint[] {
  return list(value.metadata.confidenceMetrics)
    .map(record)
    .map(point => ({
      // Thresholds begin at infinity, which JSON has no number for.
      threshold: Number(point?.confidenceThreshold ?? Infinity),
      falsePositives: Number(point?.falsePositiveRate ?? NaN),
      recall: Number(point?.recall ?? NaN)
    }))
    .filter(
      ({ falsePositives, recall }) => inUnit(falsePositives) && inUnit(recall)
    )
    .sort((a, b) => a.falsePositives - b.falsePositives || a.recall - b.recall);
}

/** The area below a ROC curve, by trapezoids, its ends drawn to the corners. */
export function areaOf(points: readonly IRocPoint[]): number {
  let area = 0;
  let [x, y] = [0, 0];
  for (const { falsePositives, recall } of points) {
    area += ((falsePositives - x) * (recall + y)) / 2;
    [x, y] = [falsePositives, recall];
  }
  return area + ((1 - x) * (1 + y)) / 2;
}

/** Numbers and texts of an artifact, for a table. */
export function factsOf(
  value: ArtifactValue
): readonly (readonly [string, string | number | boolean])[] {
  return Object.entries(value.metadata).filter(
    (entry): entry is [string, string | number | boolean] =>
      ['string', 'number', 'boolean'].includes(typeof entry[1])
  );
}

/** A page of a run as a document that asks no host for anything, whatever it holds. */
export function sealed(html: string, mayRun: boolean): string {
  const allowed = mayRun ? "script-src 'unsafe-inline' 'unsafe-eval'; " : '';
  const policy = `default-src 'none'; ${allowed}style-src 'unsafe-inline'; img-src data: blob:; font-src data:; media-src data:`;
  // What comes first in a document holds for all that follows, also where that has a head of its own.
  return `<!doctype html><meta http-equiv="Content-Security-Policy" content="${policy}">${html}`;
}

function record(
  value: JsonValue | undefined
): Record<string, JsonValue> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? value
    : null;
}

function list(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function inUnit(value: number): boolean {
  return value >= 0 && value <= 1;
}
