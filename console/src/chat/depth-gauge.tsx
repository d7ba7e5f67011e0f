import { useEffect, useRef, useState } from 'react';
import { useTranslation } from '../i18n';
import { pageOf, useDepth, type DepthStore } from './depth';

interface Props {
    depth: DepthStore;
    onPage: (page: number) => void;
}

/** How deep in the conversation the reader is, from the oldest page at the top to the newest at the bottom. */
export function DepthGauge({ depth, onPage }: Props) {
    const { t, number } = useTranslation();
    const { page, pages } = pageOf(useDepth(depth));
    const track = useRef<HTMLDivElement>(null);
    const thumb = useRef<HTMLSpanElement>(null);
    const [dragged, setDragged] = useState<number | null>(null);
    const shown = dragged ?? page;
    const part = shown === null || pages === null ? null : pages === 1 ? 1 : 1 - (shown - 1) / (pages - 1);

    useEffect(() => {
        if (thumb.current && part !== null) thumb.current.style.top = `${part * 100}%`;
    }, [part]);

    if (pages === null || shown === null || pages < 2) return <div className="gauge" aria-hidden="true" />;

    const at = (y: number) => {
        const box = track.current!.getBoundingClientRect();
        const depthPart = Math.min(1, Math.max(0, (y - box.top) / box.height));
        return Math.round((1 - depthPart) * (pages - 1)) + 1;
    };
    const keys: Record<string, number> = {
        ArrowUp: shown + 1,
        ArrowDown: shown - 1,
        PageUp: shown + Math.ceil(pages / 20),
        PageDown: shown - Math.ceil(pages / 20),
        Home: pages,
        End: 1,
    };
    return (
        <div
            className="gauge"
            onPointerDown={(event) => {
                event.currentTarget.setPointerCapture(event.pointerId);
                setDragged(at(event.clientY));
            }}
            onPointerMove={(event) => dragged !== null && setDragged(at(event.clientY))}
            onPointerUp={() => {
                if (dragged !== null) onPage(dragged);
                setDragged(null);
            }}
            onPointerCancel={() => setDragged(null)}
        >
            <div className="gauge-track" ref={track}>
                <span
                    className={dragged === null ? 'gauge-thumb' : 'gauge-thumb gauge-dragged'}
                    ref={thumb}
                    role="slider"
                    tabIndex={0}
                    aria-label={t('chat.depth')}
                    aria-orientation="vertical"
                    aria-valuemin={1}
                    aria-valuemax={pages}
                    aria-valuenow={Math.min(shown, pages)}
                    aria-valuetext={t('chat.depthText', { page: shown, pages })}
                    onKeyDown={(event) => {
                        const to = keys[event.key];
                        if (to === undefined) return;
                        event.preventDefault();
                        onPage(Math.min(pages, Math.max(1, to)));
                    }}
                >
                    {dragged !== null && <span className="gauge-label" aria-hidden="true">{number(dragged)}</span>}
                </span>
            </div>
        </div>
    );
}
