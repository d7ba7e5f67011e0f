/** Colours of avatars, by classes: the policy of the page forbids styles in attributes. */
const COLOURS = 8;

export function Avatar({ id, name, size = 'usual' }: { id: number | null; name: string; size?: 'usual' | 'small' }) {
    const letter = [...name][0]?.toUpperCase() ?? '?';
    return (
        <span className={`avatar avatar-${size} avatar-${id === null ? 'none' : id % COLOURS}`} aria-hidden="true">
            {id === null ? '?' : letter}
        </span>
    );
}
