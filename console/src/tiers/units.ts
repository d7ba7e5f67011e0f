const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Writes a size in decimal units with three digits. */
export function bytesOf(bytes: number): string {
    let [value, unit] = [bytes, 0];
    while (value >= 999.5 && unit < UNITS.length - 1) {
        value /= 1000;
        unit += 1;
    }
    return `${unit === 0 ? value : value.toPrecision(3)} ${UNITS[unit]}`;
}
