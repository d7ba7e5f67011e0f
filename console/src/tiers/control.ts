// What operators ask of the movers, and what the movers do.
import type { ArchiveControlled, ArchiveStatus, ResourceStatus } from '../api/client';

export type MoverState = 'paused' | 'held' | 'moving' | 'waiting' | 'idle';

/** Returns the state of the movers of a resource, whose due rows become fewer at a rate. Between two batches no mover has a claim. */
export function stateOf({ paused, held, due, cold }: ResourceStatus, rate: number | null): MoverState {
    if (paused) return 'paused';
    if (held) return 'held';
    if (cold?.mover || (due > 0 && rate !== null)) return 'moving';
    return due > 0 ? 'waiting' : 'idle';
}

/** Returns the status with what is asked of the movers now. */
export function withControls(status: ArchiveStatus, { resources }: ArchiveControlled): ArchiveStatus {
    return {
        ...status,
        resources: status.resources.map((resource) => {
            const control = resources.find((one) => one.resource === resource.resource);
            if (!control) return resource;
            const { paused, rows_per_second, max_hot_latency_ms } = control;
            return { ...resource, paused, rows_per_second, max_hot_latency_ms };
        }),
    };
}
