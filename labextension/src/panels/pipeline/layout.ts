/** A dependency to draw. */
export interface ILink {
  from: string;
  to: string;
}

export interface IPoint {
  x: number;
  y: number;
}

/** Where a step's box goes: its top left corner. */
export interface IPlacedStep extends IPoint {
  name: string;
  width: number;
}

/** Where a dependency's line goes: from the bottom of a box, around others, to the top of a box. */
export interface IPlacedLink extends ILink {
  points: IPoint[];
}

/** How large boxes are and how far apart, in pixels. */
export interface IMeasures {
  stepHeight: number;
  layerGap: number;
  stepGap: number;
  laneGap: number;

  /** A box is as wide as there is room between these; as many stand side by side as are good. */
  minStep: number;
  goodStep: number;
  maxStep: number;
}

/** A drawing of the step graph, in pixels. */
export interface ILayout {
  width: number;
  height: number;
  stepHeight: number;
  steps: IPlacedStep[];
  links: IPlacedLink[];
}

/**
 * Draw a graph from top to bottom in layers, no wider than asked where that can be.
 *
 * Layers are filled in the notebook's order up to the number of boxes that fit side by side (as Coffman
 * and Graham do); lines that pass a layer get a lane, one for all lines from the same step; lanes are
 * ordered by barycentre and then moved towards their neighbours by isotonic regression, which is exact and
 * cannot make them cross.
 */
export function layOut(
  names: readonly string[],
  links: readonly ILink[],
  width: number,
  measures: IMeasures = PANEL
): ILayout {
  const { stepHeight, layerGap, goodStep } = measures;
  const inner = Math.max(width - 2 * MARGIN, goodStep);
  if (names.length === 0) {
    return {
      width,
      height: 0,

      stepHeight: 0,
      steps: [],
      links: []
    };
  }
  const graph = new Private.Graph(names, links, inner, measures);
  graph.order();
  const span = graph.spread(inner);
  const top = (layer: number) => MARGIN + layer * (stepHeight + layerGap);
  return {
    width: span + 2 * MARGIN,
    height:
      2 * MARGIN +
      graph.layers.length * stepHeight +
      Math.max(0, graph.layers.length - 1) * layerGap,
    stepHeight,
    steps: graph.steps.map(step => ({
      name: step.name,
      width: step.width,
      x: MARGIN + step.x - step.width / 2,
      y: top(step.layer)
    })),
    links: graph.chains.map(({ link, lanes }) => ({
      ...link,
      points: lanes.flatMap((lane, index) => {
        const x = MARGIN + lane.x;
        const isFirst = index === 0;
        const isLast = index === lanes.length - 1;
        return [
          ...(isFirst ? [] : [{ x, y: top(lane.layer) }]),
          ...(isLast ? [] : [{ x, y: top(lane.layer) + stepHeight }])
        ];
      })
    }))
  };
}

/** The SVG path of a line through points: straight down within a layer, a soft bend between two. */
export function pathOf(points: readonly IPoint[]): string {
  const [first, ...rest] = points;
  let path = `M${first.x},${first.y}`;
  let previous = first;
  for (const point of rest) {
    if (point.x === previous.x) {
      path += `V${point.y}`;
    } else {
      const middle = (previous.y + point.y) / 2;
      path += `C${previous.x},${middle} ${point.x},${middle} ${point.x},${point.y}`;
    }
    previous = point;
  }
  return path;
}

/** Values at least non-decreasing and, in the sum of squares, nearest to the wanted ones. */
export function isotonic(wanted: readonly number[]): number[] {
  const blocks: { sum: number; count: number }[] = [];
  for (const value of wanted) {
    let block = { sum: value, count: 1 };
    for (;;) {
      const last = blocks[blocks.length - 1];
      if (!last || last.sum / last.count <= block.sum / block.count) {
        break;
      }
      blocks.pop();
      block = { sum: last.sum + block.sum, count: last.count + block.count };
    }
    blocks.push(block);
  }
  return blocks.flatMap(({ sum, count }) => Array(count).fill(sum / count));
}

const MARGIN = 12;
const PANEL: IMeasures = {
  stepHeight: 42,
  layerGap: 30,
  stepGap: 12,
  laneGap: 7,
  minStep: 76,
  goodStep: 96,
  maxStep: 168
};
const SWEEPS = 8;
const KINK = 10;

namespace Private {
  /** A place in a layer: a step, or a line passing by (without a name). */
  export interface ILane {
    name: string;
    layer: number;
    rank: number;
    x: number;
    width: number;
    above: ILane[];
    below: ILane[];
  }

  export class Graph {
    readonly steps: ILane[];
    readonly layers: ILane[][] = [];
    readonly chains: { link: ILink; lanes: ILane[] }[] = [];

    constructor(
      names: readonly string[],
      links: readonly ILink[],
      width: number,
      private readonly _measures: IMeasures
    ) {
      const { stepGap, goodStep } = _measures;
      const perLayer = Math.max(
        1,
        Math.floor((width + stepGap) / (goodStep + stepGap))
      );
      this.steps = names.map(name => Private.lane(name, 0));
      const byName = new Map(this.steps.map(step => [step.name, step]));
      // A line against the notebook's order closes a cycle: drawn, but it does not decide layers.
      const position = new Map(names.map((name, index) => [name, index]));
      const known = links.filter(
        link => byName.has(link.from) && byName.has(link.to)
      );
      const forward = known.filter(
        link => position.get(link.from)! < position.get(link.to)!
      );
      this._assignLayers(byName, forward, perLayer);
      for (const link of known) {
        this._addChain(link, byName.get(link.from)!, byName.get(link.to)!);
      }
    }

    /** Order the lanes of each layer so that lines cross little. */
    order(): void {
      for (let sweep = 0; sweep < SWEEPS; sweep++) {
        const isDown = sweep % 2 === 0;
        const layers = isDown ? this.layers : [...this.layers].reverse();
        for (const layer of layers) {
          const key = new Map(
            layer.map(lane => [
              lane,
              mean(isDown ? lane.above : lane.below, other => other.rank) ??
                lane.rank
            ])
          );
          layer.sort((a, b) => key.get(a)! - key.get(b)!);
          layer.forEach((lane, index) => {
            lane.rank = index - (layer.length - 1) / 2;
          });
        }
      }
    }

    /** Give every lane its centre; return the width that is taken, at least the one given. */
    spread(width: number): number {
      this.layers.forEach(layer => this._fit(layer, width));
      const half = (lane: ILane) => lane.width / 2;
      // Centres of a layer's lanes, as near to its first one as they may come.
      const offsets = this.layers.map(layer => {
        const result = [0];
        for (let index = 1; index < layer.length; index++) {
          const [left, right] = [layer[index - 1], layer[index]];
          result.push(
            result[index - 1] +
              half(left) +
              this._gap(left, right) +
              half(right)
          );
        }
        return result;
      });
      const spans = this.layers.map(
        (layer, index) =>
          half(layer[0]) + offsets[index].at(-1)! + half(layer.at(-1)!)
      );
      const span = Math.max(width, ...spans);
      this.layers.forEach((layer, row) => {
        const left = (span - spans[row]) / 2 + half(layer[0]);
        layer.forEach((lane, index) => (lane.x = left + offsets[row][index]));
      });
      for (let sweep = 0; sweep < SWEEPS; sweep++) {
        const isDown = sweep % 2 === 0;
        const rows = [...this.layers.keys()];
        for (const row of isDown ? rows : rows.reverse()) {
          const layer = this.layers[row];
          const wanted = layer.map((lane, index) => {
            const near =
              sweep >= SWEEPS - 2
                ? [...lane.above, ...lane.below]
                : isDown
                  ? lane.above
                  : lane.below;
            return (
              (mean(near, other => other.x) ?? lane.x) - offsets[row][index]
            );
          });
          const lowest = half(layer[0]);
          const highest = lowest + span - spans[row];
          isotonic(wanted).forEach((value, index) => {
            const kept = Math.min(highest, Math.max(lowest, value));
            layer[index].x = Math.round(kept + offsets[row][index]);
          });
        }
      }
      this._straighten(offsets);
      return span;
    }

    /** Take small kinks out: a lane goes below its nearest upper neighbour where there is room. */
    private _straighten(offsets: readonly number[][]): void {
      this.layers.forEach((layer, row) => {
        layer.forEach((lane, index) => {
          const room = (other: number) =>
            Math.abs(offsets[row][other] - offsets[row][index]);
          const lowest =
            index > 0 ? layer[index - 1].x + room(index - 1) : -Infinity;
          const highest =
            index < layer.length - 1
              ? layer[index + 1].x - room(index + 1)
              : Infinity;
          const near = lane.above
            .map(other => other.x)
            .filter(x => Math.abs(x - lane.x) <= KINK)
            .find(x => x >= lowest && x <= highest);
          lane.x = near ?? lane.x;
        });
      });
    }

    private _assignLayers(
      byName: Map<string, ILane>,
      forward: readonly ILink[],
      perLayer: number
    ): void {
      const sources = new Map<string, ILane[]>();
      for (const link of forward) {
        const list = sources.get(link.to) ?? [];
        list.push(byName.get(link.from)!);
        sources.set(link.to, list);
      }
      const linked = new Set(forward.flatMap(link => [link.from, link.to]));
      let previous = 0;
      for (const step of this.steps) {
        const above = sources.get(step.name) ?? [];
        // A step that nothing ties stays near its neighbour in the notebook.
        let layer = linked.has(step.name)
          ? Math.max(-1, ...above.map(lane => lane.layer)) + 1
          : previous;
        while ((this.layers[layer]?.length ?? 0) >= perLayer) {
          layer += 1;
        }
        this._put(step, layer);
        previous = layer;
      }
    }

    private _addChain(link: ILink, from: ILane, to: ILane): void {
      const lanes = [from];
      const direction = Math.sign(to.layer - from.layer);
      for (
        let layer = from.layer + direction;
        direction !== 0 && layer !== to.layer;
        layer += direction
      ) {
        lanes.push(this._laneOf(link, layer));
      }
      lanes.push(to);
      lanes.slice(1).forEach((lane, index) => {
        const [upper, lower] =
          direction >= 0 ? [lanes[index], lane] : [lane, lanes[index]];
        upper.below.push(lower);
        lower.above.push(upper);
      });
      this.chains.push({ link, lanes });
    }

    /** The lane in which the lines from one step pass a layer. */
    private _laneOf(link: ILink, layer: number): ILane {
      const key = JSON.stringify([link.from, layer]);
      let lane = this._passing.get(key);
      if (!lane) {
        lane = Private.lane('', layer);
        this._passing.set(key, lane);
        this._put(lane, layer);
      }
      return lane;
    }

    private _put(lane: ILane, layer: number): void {
      while (this.layers.length <= layer) {
        this.layers.push([]);
      }
      lane.layer = layer;
      lane.rank = this.layers[layer].length;
      this.layers[layer].push(lane);
    }

    /** Make the steps of a layer as wide as there is room, within reason. */
    private _fit(layer: readonly ILane[], width: number): void {
      const { minStep, maxStep } = this._measures;
      const steps = layer.filter(isStep);
      const gaps = layer
        .slice(1)
        .reduce((sum, lane, index) => sum + this._gap(layer[index], lane), 0);
      const room = (width - gaps) / steps.length;
      for (const step of steps) {
        step.width = Math.floor(Math.min(maxStep, Math.max(minStep, room)));
      }
    }

    private _gap(left: ILane, right: ILane): number {
      const { stepGap, laneGap } = this._measures;
      return isStep(left) && isStep(right) ? stepGap : laneGap;
    }

    private readonly _passing = new Map<string, ILane>();
  }

  export function lane(name: string, layer: number): ILane {
    return { name, layer, rank: 0, x: 0, width: 0, above: [], below: [] };
  }

  function isStep(lane: ILane): boolean {
    return lane.name !== '';
  }

  function mean(
    lanes: readonly ILane[],
    value: (lane: ILane) => number
  ): number | null {
    return lanes.length === 0
      ? null
      : lanes.reduce((sum, lane) => sum + value(lane), 0) / lanes.length;
  }
}
