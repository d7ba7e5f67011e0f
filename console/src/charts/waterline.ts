import type { IChartApi, IPrimitivePaneRenderer, IPrimitivePaneView, ISeriesPrimitive, SeriesAttachedParameter, Time } from 'lightweight-charts';

interface Look {
    /** The words at the left and at the right of the line. */
    words: readonly [string, string];
    warm: string;
    cold: string;
    ink: string;
    font: string;
}

/** The upright line between the bars of the archive and those of hot. */
export class Waterline implements ISeriesPrimitive<Time> {
    private chart: IChartApi | null = null;
    private update: (() => void) | null = null;
    private date: string | null = null;
    private look: Look | null = null;

    attached({ chart, requestUpdate }: SeriesAttachedParameter<Time>) {
        this.chart = chart as IChartApi;
        this.update = requestUpdate;
    }

    detached() {
        this.chart = null;
        this.update = null;
    }

    /** Stands before the bar of `date`. */
    set(date: string | null, look: Look) {
        this.date = date;
        this.look = look;
        this.update?.();
    }

    paneViews(): readonly IPrimitivePaneView[] {
        return [{ zOrder: () => 'bottom', renderer: () => this.renderer() }];
    }

    private renderer(): IPrimitivePaneRenderer | null {
        const { chart, date, look } = this;
        if (!chart || !date || !look) return null;
        const scale = chart.timeScale();
        const middle = scale.timeToCoordinate(date);
        if (middle === null) return null;
        const x = middle - scale.options().barSpacing / 2;
        return {
            draw: (target) =>
                target.useMediaCoordinateSpace(({ context, mediaSize: { height } }) => {
                    const gradient = context.createLinearGradient(0, 0, 0, height);
                    gradient.addColorStop(0, look.warm);
                    gradient.addColorStop(1, look.cold);
                    context.strokeStyle = gradient;
                    context.lineWidth = 1.5;
                    context.beginPath();
                    context.moveTo(x, 0);
                    for (let y = 0; y <= height; y += 4) context.lineTo(x + Math.sin(y / 22) * 2.5, y);
                    context.stroke();
                    context.font = look.font;
                    context.fillStyle = look.ink;
                    context.textAlign = 'right';
                    context.fillText(look.words[0], x - 9, height - 10);
                    context.textAlign = 'left';
                    context.fillText(look.words[1], x + 9, height - 10);
                }),
        };
    }
}
