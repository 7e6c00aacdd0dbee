/** The pool's lanes, by what they start. */
import { Lane, laneKey, type LaneRequest } from "./lane.ts";

/** Owner: the pool. A lane goes with its project, or with its last process when it keeps nothing. */
export class Lanes {
  readonly #byKey = new Map<string, Lane>();

  get all(): readonly Lane[] {
    return [...this.#byKey.values()];
  }

  /** The lane of these launch options, made if need be; it is in use from now on. */
  use({ harness, launch, spares, maxOfProject }: LaneRequest, now: number): Lane {
    const request = { harness, launch, spares, maxOfProject };
    const key = laneKey(launch);
    let lane = this.#byKey.get(key);
    if (!lane) this.#byKey.set(key, (lane = new Lane(key, request, now)));
    lane.request = request;
    lane.used(now);
    return lane;
  }

  /** False when it was forgotten, even if one with the same key has come since. */
  has(lane: Lane): boolean {
    return this.#byKey.get(lane.key) === lane;
  }

  get(key: string): Lane | undefined {
    return this.#byKey.get(key);
  }

  delete(lane: Lane): void {
    if (this.has(lane)) this.#byKey.delete(lane.key);
  }

  forgetProject(project: string): void {
    for (const lane of this.all) if (lane.request.launch.project === project) this.delete(lane);
  }

  clear(): void {
    this.#byKey.clear();
  }
}
