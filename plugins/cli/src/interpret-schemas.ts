import { config } from 'zod';

// A command parses few documents of each kind: to compile a parser for each takes longer than it spares. Schemas look at this once, when
// they are made, so this comes before whatever makes some.
config({ jitless: true });
