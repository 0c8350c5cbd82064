import { DatabaseSync } from 'node:sqlite';
import path from 'node:path';

/** Copies one real environment's document under other ids, so that there are `count` of them. Nothing of the copies runs. */
export function seedEnvironments(stateHome: string, project: string, count: number): void {
  const database = new DatabaseSync(path.join(stateHome, 'projects', `${project}--default`, 'state.db'));
  try {
    const row = database.prepare("SELECT value FROM documents WHERE key LIKE 'env/%' LIMIT 1").get();
    const insert = database.prepare('INSERT OR IGNORE INTO documents (key, value) VALUES (?, ?)');
    const model = JSON.parse(String(row?.value)) as Record<string, unknown>;
    database.exec('BEGIN');
    for (let index = 1; index < count; index += 1) {
      const commit = (index * 0x9e3779b1).toString(16).padStart(12, '0').slice(-12).padEnd(40, '0');
      const id = commit.slice(0, 12);
      insert.run(`env/${id}`, JSON.stringify({ ...model, id, commit }));
    }
    database.exec('COMMIT');
  } finally {
    database.close();
  }
}
