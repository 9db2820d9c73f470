// @tus/server with @tus/s3-store on loopback, to measure beside; prints its port. Where its bucket is comes as JSON in the first argument.
import { Server } from '@tus/server'
import { S3Store } from '@tus/s3-store'

const { endpoint, accessKeyId, secretAccessKey, region, bucket } = JSON.parse(process.argv[2])
const s3ClientConfig = { bucket, endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } }
const server = new Server({ path: '/files', datastore: new S3Store({ s3ClientConfig }) })
const http = server.listen({ host: '127.0.0.1', port: 0 }, () => console.log(http.address().port))
