export { WorkerManager, type WorkerManagerEvents } from './worker-manager.ts'
export type { ManagerScaling, WorkerManagerOptions } from './manager-options.ts'
export { TopicWorker, type TopicWorkerOptions } from './topic-worker.ts'
export { discoverRouters } from './discover-routers.ts'
