import { memoryStore } from './memory.ts';
import { describeStore } from './testing/store-suite.ts';

describeStore('memory store', memoryStore);
