/** The names of the reports that come with reto3, without loading what they are made of. */
export const builtInNames: ReadonlySet<string> = new Set(['lag', 'generated', 'top', 'sizes']);
