import { memo, useLayoutEffect, useRef, useState } from 'react';
import type { Message } from '../api/client';
import { useTranslation } from '../i18n';
import { Avatar } from './avatar';
import { mayBeLong } from './estimate';
import type { Names } from './people';
import type { Item } from './window';

interface Props {
    item: Item;
    caller: number | null;
    names: Names;
    /** Its number, counted from the newest message; null where that is not known. */
    place: number | null;
    total: number | null;
    isTarget: boolean;
}

export const Entry = memo(function Entry({ item, ...rest }: Props) {
    const { t, day } = useTranslation();
    switch (item.kind) {
        case 'beginning':
            return <p className="beginning"><span>{t('chat.beginning')}</span></p>;
        case 'day':
            return <h3 className="day"><time dateTime={item.time}>{day(item.time)}</time></h3>;
        case 'waterline':
            return <Waterline text={t('chat.waterline')} />;
        case 'message':
            return <Bubble row={item.row} begins={item.begins} {...rest} />;
    }
});

function Waterline({ text }: { text: string }) {
    return (
        <div className="waterline" role="separator" aria-label={text}>
            <svg viewBox="0 0 1200 12" preserveAspectRatio="none" aria-hidden="true">
                <path d="M0 6c50-5 100-5 150 0s100 5 150 0 100-5 150 0 100 5 150 0 100-5 150 0 100 5 150 0 100-5 150 0 100 5 150 0" />
            </svg>
            <span>{text}</span>
        </div>
    );
}

interface BubbleProps extends Omit<Props, 'item'> {
    row: Message;
    begins: boolean;
}

function Bubble({ row, begins, caller, names, place, total, isTarget }: BubbleProps) {
    const { t, time, instant } = useTranslation();
    const isOwn = row.sender_id === caller;
    const name = isOwn ? t('chat.you') : (names.get(row.sender_id) ?? t('chat.deleted', { id: String(row.sender_id) }));
    const label = `${name}, ${instant(row.created_at)}`;
    return (
        <article
            className={`message ${isOwn ? 'message-own' : 'message-other'} ${begins ? 'message-begins' : ''} ${isTarget ? 'message-target' : ''}`}
            aria-label={label}
            aria-posinset={place !== null && total !== null && place <= total ? total - place + 1 : undefined}
            aria-setsize={place !== null && total !== null ? total : undefined}
        >
            {!isOwn && (begins ? <Avatar id={row.sender_id} name={name} size="small" /> : <span className="avatar-space" />)}
            <div className="bubble">
                <Content text={row.content} />
                <footer>
                    <time dateTime={row.created_at} title={instant(row.created_at)}>{time(row.created_at)}</time>
                    {isOwn && (
                        <svg className={row.is_read ? 'read' : 'sent'} viewBox="0 0 18 10" role="img" aria-label={t(row.is_read ? 'chat.read' : 'chat.sent')}>
                            <path d={row.is_read ? 'm1 5.500 3 3L10.500 1.500M8.500 7.500l1 1L16 1.500' : 'm4 5.500 3 3L13.500 1.500'} />
                        </svg>
                    )}
                </footer>
            </div>
        </article>
    );
}

function Content({ text }: { text: string }) {
    const { t } = useTranslation();
    const paragraph = useRef<HTMLParagraphElement>(null);
    const [isCut, setIsCut] = useState(false);
    const [isWhole, setIsWhole] = useState(false);
    useLayoutEffect(() => {
        const element = paragraph.current;
        if (element && !isWhole && mayBeLong(text)) setIsCut(element.scrollHeight > element.clientHeight + 2);
    }, [text, isWhole]);
    return (
        <>
            <p ref={paragraph} className={isWhole ? 'content' : 'content content-cut'} dir="auto">{text}</p>
            {isCut && !isWhole && (
                <button type="button" className="link" onClick={() => setIsWhole(true)}>{t('chat.showAll')}</button>
            )}
        </>
    );
}
